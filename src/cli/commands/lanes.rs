//! `refreshd lanes`: what waits in each lane and why; pauses and resumes a lane.

use clap::{Args, Subcommand};

use crate::api::routes::lanes::wire::{LaneAnswer, PauseBody, WhyAnswer};
use crate::api::wire::ListAnswer;
use crate::cli::client::ApiClient;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::report::{field, to_the_second};
use crate::cli::output::terminal;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd lanes
  refreshd lanes pause 3 --reason 'the origin is being moved'
  refreshd lanes resume 3";

pub(crate) const SHAPE: &str = "\
A paused lane sends nothing, not even urgent items. Items that were sent are
followed to their end, and other lanes go on. A lane stays paused until it is
resumed, also over a restart. Pausing needs the scope control.

Environment and exit codes: refreshd --help.";

#[derive(Debug, Args)]
pub struct LanesArguments {
    #[command(subcommand)]
    pub command: Option<LanesCommand>,
    /// Print what the daemon answers
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum LanesCommand {
    /// Send nothing from a lane until it is resumed
    Pause {
        /// The number before the lane's name
        id: u64,
        /// Shown wherever the lane's state is shown
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let a paused lane send again
    Resume {
        /// The number before the lane's name
        id: u64,
    },
}

pub(crate) async fn run(arguments: &LanesArguments) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let lane: LaneAnswer = match &arguments.command {
        None => {
            let lanes: ListAnswer<LaneAnswer> = client.get(&["v1", "lanes"]).await?;
            if arguments.json {
                terminal::print_json(&lanes)?;
            } else {
                terminal::print(&list_text(&lanes.items))?;
            }
            return Ok(exit::SUCCEEDED);
        }
        Some(LanesCommand::Pause { id, reason }) => {
            let body = PauseBody { reason: reason.clone() };
            client.post(&["v1", "lanes", &id.to_string(), "pause"], &body).await?
        }
        Some(LanesCommand::Resume { id }) => {
            client.post(&["v1", "lanes", &id.to_string(), "resume"], &PauseBody::default()).await?
        }
    };
    if arguments.json {
        terminal::print_json(&lane)?;
    } else {
        terminal::print(&lane_text(&lane))?;
    }
    Ok(exit::SUCCEEDED)
}

fn list_text(lanes: &[LaneAnswer]) -> String {
    if lanes.is_empty() {
        return "there are no lanes yet; the first job makes one\n".to_owned();
    }
    lanes.iter().map(lane_text).collect()
}

fn lane_text(lane: &LaneAnswer) -> String {
    let mut text = format!("{:>3}  {:<9} {}\n", lane.id, lane.state, lane_name(lane));
    if let Some(why) = &lane.why {
        text.push_str(&indented("why", &reason_text(why)));
    }
    if let Some(pause) = &lane.paused {
        text.push_str(&indented("since", &to_the_second(&pause.at)));
    }
    let depth = &lane.depth;
    let mut items = format!("{} urgent, {} normal, {} bulk", depth.urgent, depth.normal, depth.bulk);
    for (count, state) in [(lane.delayed, "delayed"), (lane.blocked, "waiting for their purge")] {
        if count > 0 {
            items.push_str(&format!("; {count} {state}"));
        }
    }
    if let Some(oldest) = lane.oldest_s {
        items.push_str(&format!("; oldest waits {}", age_text(oldest)));
    }
    text.push_str(&indented("items", &items));
    let rate = lane.rate.map_or_else(|| "account not configured".to_owned(), |rate| format!("at most {rate} calls/s"));
    let isolated = if lane.calls_apart > 0 {
        format!("; {} isolated calls since the start", lane.calls_apart)
    } else {
        String::new()
    };
    text + &indented("sends", &format!("{rate}; {} in flight{isolated}", lane.in_flight))
}

fn lane_name(lane: &LaneAnswer) -> String {
    full_name(&lane.account, &lane.operation, &lane.kind, &lane.area, lane.mode.as_deref())
}

pub(crate) fn full_name(account: &str, operation: &str, kind: &str, area: &str, mode: Option<&str>) -> String {
    let mode = mode.map_or_else(String::new, |mode| format!("/{mode}"));
    format!("{account}/{operation}/{kind}/{area}{mode}")
}

pub(crate) fn reason_text(why: &WhyAnswer) -> String {
    let until = why.until.as_deref().map_or_else(String::new, |until| format!(", until {}", to_the_second(until)));
    format!("{}: {}{until}", why.reason, why.detail)
}

fn indented(name: &str, value: &str) -> String {
    field(&format!("     {name}"), value)
}

fn age_text(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::routes::lanes::wire::{DepthAnswer, PauseAnswer};

    #[test]
    fn lanes_fit_80_columns_and_tell_why() {
        let lane = LaneAnswer {
            id: "3".to_owned(),
            account: "main".to_owned(),
            operation: "purge".to_owned(),
            kind: "directory".to_owned(),
            area: "overseas".to_owned(),
            mode: Some("invalidate".to_owned()),
            state: "running".to_owned(),
            why: None,
            paused: None,
            depth: DepthAnswer { urgent: 0, normal: 12_000, bulk: 10_000_000 },
            delayed: 4,
            blocked: 0,
            oldest_s: Some(310),
            rate: Some(20),
            in_flight: 2,
            calls_apart: 0,
        };
        let detail = "the lane was paused by shop (token 0123456789abcdef): the origin is being moved".to_owned();
        let paused = LaneAnswer {
            id: "12".to_owned(),
            state: "paused".to_owned(),
            why: Some(WhyAnswer { reason: "lane_paused".to_owned(), detail, until: None }),
            paused: Some(PauseAnswer {
                by: "shop (token 0123456789abcdef)".to_owned(),
                at: "2026-11-22T14:00:00.000Z".to_owned(),
                reason: Some("the origin is being moved".to_owned()),
            }),
            oldest_s: None,
            ..lane.clone()
        };
        let text = list_text(&[lane, paused]);
        insta::assert_snapshot!(text, @r"
         3  running   main/purge/directory/overseas/invalidate
            items    0 urgent, 12000 normal, 10000000 bulk; 4 delayed; oldest waits 5
                     min
            sends    at most 20 calls/s; 2 in flight
        12  paused    main/purge/directory/overseas/invalidate
            why      lane_paused: the lane was paused by shop (token 0123456789abcdef):
                     the origin is being moved
            since    2026-11-22T14:00:00Z
            items    0 urgent, 12000 normal, 10000000 bulk; 4 delayed
            sends    at most 20 calls/s; 2 in flight
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!([5, 600, 90_000, 1_000_000].map(age_text), ["5 s", "10 min", "25 h", "11 days"]);
    }
}
