//! `refreshd quota`: what is left of each day quota, and when it resets.

use clap::Args;

use crate::api::routes::quota::wire::PoolAnswer;
use crate::api::wire::ListAnswer;
use crate::cli::client::ApiClient;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::report::to_the_second;
use crate::cli::output::terminal;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd quota
  refreshd quota --json | jq '.items[] | select(.available == 0)'";

pub(crate) const SHAPE: &str = "\
LEFT includes what is RESERVED for urgent work. USED is what this daemon sent
today. RUNS OUT is an estimate from the last hour.

Environment and exit codes: refreshd --help.";

#[derive(Debug, Args)]
pub struct QuotaArguments {
    /// Print what GET /v1/quota answers
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(arguments: &QuotaArguments) -> Result<u8, CliError> {
    let pools: ListAnswer<PoolAnswer> = ApiClient::from_environment()?.get(&["v1", "quota"]).await?;
    if arguments.json {
        terminal::print_json(&pools)?;
    } else {
        terminal::print(&table(&pools.items))?;
    }
    Ok(exit::SUCCEEDED)
}

/// Pools of one account and day are printed together.
fn table(pools: &[PoolAnswer]) -> String {
    if pools.is_empty() {
        return "no quota is known yet: it has not been read from any account\n".to_owned();
    }
    let (mut text, mut group) = (String::new(), None);
    for pool in pools {
        if group != Some((&pool.account, &pool.resets_at)) {
            group = Some((&pool.account, &pool.resets_at));
            text.push_str(&format!("account {}, resets {}\n", pool.account, to_the_second(&pool.resets_at)));
            text.push_str(&line("POOL", ["LEFT", "TOTAL", "RESERVED", "USED"].map(str::to_owned), "RUNS OUT"));
        }
        let numbers = [pool.available, pool.total, pool.reserved, pool.used].map(|number| number.to_string());
        text.push_str(&line(&pool.pool, numbers, &exhausted_text(pool)));
        if pool.undecided > 0 {
            text.push_str(&format!(
                "    {} more were in calls whose answers were lost; they may count as used\n",
                pool.undecided
            ));
        }
    }
    text
}

/// When the pool is exhausted: always within its day, so the time of day is enough.
fn exhausted_text(pool: &PoolAnswer) -> String {
    let time_of_day = |moment: &String| {
        let moment = to_the_second(moment);
        moment.split_once('T').map_or(moment.clone(), |(_, time)| time.to_owned())
    };
    match (&pool.exhausted_at, &pool.forecast) {
        (Some(at), _) => format!("spent {}", time_of_day(at)),
        (None, Some(at)) => time_of_day(at),
        (None, None) => "-".to_owned(),
    }
}

fn line(pool: &str, numbers: [String; 4], exhausted: &str) -> String {
    let [remaining, total, reserved, used] = numbers;
    format!("  {pool:<26} {remaining:>8} {total:>8} {reserved:>8} {used:>7}  {exhausted}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str, available: u64) -> PoolAnswer {
        PoolAnswer {
            account: "main".to_owned(),
            pool: name.to_owned(),
            operation: "purge".to_owned(),
            kind: "url".to_owned(),
            area: "mainland".to_owned(),
            total: 10_000,
            available,
            reserved: 500,
            used: 10_000 - available,
            undecided: if name == "purge-url-mainland" { 200 } else { 0 },
            batch: 1000,
            resets_at: "2026-11-22T16:00:00.000Z".to_owned(),
            exhausted_at: (available == 0).then(|| "2026-11-22T14:03:22.250Z".to_owned()),
            forecast: (available == 700).then(|| "2026-11-22T15:10:00.000Z".to_owned()),
            read_at: "2026-11-22T14:00:00.000Z".to_owned(),
        }
    }

    #[test]
    fn quotas_fit_80_columns() {
        let tomorrow = "2026-11-23T16:00:00.000Z".to_owned();
        let text = table(&[
            pool("purge-directory-mainland", 0),
            pool("purge-url-mainland", 700),
            pool("purge-url-overseas", 10_000),
            PoolAnswer { account: "other".to_owned(), resets_at: tomorrow, total: 1_000_000, ..pool("pool", 9_999) },
        ]);
        insta::assert_snapshot!(text, @r"
        account main, resets 2026-11-22T16:00:00Z
          POOL                           LEFT    TOTAL RESERVED    USED  RUNS OUT
          purge-directory-mainland          0    10000      500   10000  spent 14:03:22Z
          purge-url-mainland              700    10000      500    9300  15:10:00Z
            200 more were in calls whose answers were lost; they may count as used
          purge-url-overseas            10000    10000      500       0  -
        account other, resets 2026-11-23T16:00:00Z
          POOL                           LEFT    TOTAL RESERVED    USED  RUNS OUT
          pool                           9999  1000000      500       1  -
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
