//! The configuration in force, for `config show`: as TOML that loads again, or as JSON. Without secrets.

use std::collections::BTreeMap;
use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};

use super::account::AccountConfig;
use super::parse::duration_text;
use super::settings::{AuthMode, Config};

impl Config {
    /// All settings, in the order of `config/default.toml`. A key pair appears only as a comment.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_to(&mut text);
        text
    }

    /// The same as JSON.
    ///
    /// # Panics
    /// Never: `effective_toml` writes valid TOML.
    #[must_use]
    pub fn effective_json(&self) -> serde_json::Value {
        let text = ::config::File::from_str(&self.effective_toml(), ::config::FileFormat::Toml);
        let builder = ::config::Config::builder().add_source(text).build();
        builder.and_then(::config::Config::try_deserialize).expect("it is written as TOML")
    }

    fn write_to(&self, out: &mut String) -> std::fmt::Result {
        let mode = match self.auth {
            AuthMode::Tokens => "tokens",
            AuthMode::Open => "open",
        };
        writeln!(out, "[server]\nlisten = \"{}\"\n", self.server.listen)?;
        writeln!(out, "[store]\nurl = {}\n", quoted(&format!("sqlite://{}", self.store.path.display())))?;
        writeln!(out, "[auth]\nmode = \"{mode}\"\n")?;
        for (name, account) in &self.accounts {
            writeln!(out, "[accounts.{name}]")?;
            write_account(out, account)?;
        }
        for (hosts, account) in self.routes.iter() {
            writeln!(out, "[[routes]]\nhost = \"{hosts}\"\naccount = \"{account}\"\n")?;
        }
        self.write_engine(out)?;
        writeln!(out, "[quota]\nreserve = {:?}\n", self.quota.reserve)?;
        if !self.quota.shares.is_empty() {
            writeln!(out, "[quota.shares]")?;
            for (tenant, share) in &self.quota.shares {
                writeln!(out, "{:?} = {share:?}", tenant.as_str())?;
            }
            writeln!(out)?;
        }
        writeln!(out, "[promote]\nper_day = {}\n", self.promote.per_day)?;
        for (host, rule) in &self.promote.hosts {
            writeln!(out, "[promote.hosts.{host:?}]\nat = {}\ndepth = {}\n", rule.at, rule.depth)?;
        }
        self.write_verify(out)?;
        writeln!(out, "[idempotency]\nkeep = \"{}\"\n", duration_text(self.idempotency.keep))?;
        self.write_probe(out)?;
        writeln!(out, "\n[patrol]\nevery = \"{}\"", duration_text(self.patrol.every))?;
        if let Some(listen) = self.metrics.listen {
            writeln!(out, "\n[metrics]\nlisten = \"{listen}\"")?;
        }
        Ok(())
    }

    fn write_engine(&self, out: &mut String) -> std::fmt::Result {
        let engine = &self.engine;
        writeln!(out, "[engine]")?;
        writeln!(out, "poll_first = \"{}\"", duration_text(engine.poll_first))?;
        writeln!(out, "poll_max = \"{}\"", duration_text(engine.poll_max))?;
        writeln!(out, "listing_grace = \"{}\"\n", duration_text(engine.listing_grace))?;
        writeln!(out, "[engine.task_max]")?;
        writeln!(out, "purge = \"{}\"", duration_text(engine.task_max_purge))?;
        writeln!(out, "prefetch = \"{}\"\n", duration_text(engine.task_max_prefetch))
    }

    fn write_verify(&self, out: &mut String) -> std::fmt::Result {
        let verify = &self.verify;
        let (deadline, grace) = (duration_text(verify.deadline), duration_text(verify.grace));
        writeln!(out, "[verify]\ndeadline = \"{deadline}\"\ngrace = \"{grace}\"")?;
        writeln!(out, "sample = {}\nrepurge = {}\n", verify.sample, verify.repurge)?;
        write_lists(out, "edges", &verify.edges)?;
        write_lists(out, "directories", &verify.directories)
    }

    fn write_probe(&self, out: &mut String) -> std::fmt::Result {
        let allow: Vec<String> = self.probe.allow.iter().map(|network| format!("\"{network}\"")).collect();
        let resolver: Vec<String> = self.probe.resolver.iter().map(|address| format!("\"{address}\"")).collect();
        writeln!(out, "[probe]\nallow = [{}]\nresolver = [{}]", allow.join(", "), resolver.join(", "))?;
        if let Some(file) = &self.probe.ca_file {
            writeln!(out, "ca_file = {}", quoted(&file.path.display().to_string()))?;
        }
        for (name, addresses) in [("edges", &self.probe.edges), ("origins", &self.probe.origins)] {
            if !addresses.is_empty() {
                writeln!(out, "\n[probe.{name}]")?;
            }
            for (host, address) in addresses {
                writeln!(out, "\"{host}\" = \"{address}\"")?;
            }
        }
        Ok(())
    }
}

/// A section with a list for each host.
fn write_lists<T: ToString>(out: &mut String, name: &str, lists: &BTreeMap<String, Vec<T>>) -> std::fmt::Result {
    if lists.is_empty() {
        return Ok(());
    }
    writeln!(out, "[verify.{name}]")?;
    for (host, list) in lists {
        let list: Vec<String> = list.iter().map(|entry| quoted(&entry.to_string())).collect();
        writeln!(out, "\"{host}\" = [{}]", list.join(", "))?;
    }
    writeln!(out)
}

fn write_account(out: &mut String, account: &AccountConfig) -> std::fmt::Result {
    writeln!(out, "provider = \"{}\"", account.provider.as_str())?;
    writeln!(out, "endpoint = {}", quoted(account.endpoint.as_str()))?;
    writeln!(out, "sandbox = {}", account.sandbox)?;
    for (key, limit) in [("rate", account.rate), ("batch", account.batch)] {
        if let Some(limit) = limit {
            writeln!(out, "{key} = {limit}")?;
        }
    }
    match &account.credentials {
        Some(pair) => writeln!(out, "# secret_id {}, secret_key is hidden\n", id_hint(&pair.secret_id)),
        None => writeln!(out, "# no key pair: the provider's own variables, files and instance role are used\n"),
    }
}

/// The last four characters of an id: enough to tell two key pairs apart.
fn id_hint(id: &SecretString) -> String {
    let id = id.expose_secret();
    match id.char_indices().rev().nth(3) {
        Some((start, _)) if id.chars().count() >= 16 => format!("ends in {:?}", &id[start..]),
        _ => "is hidden".to_owned(),
    }
}

/// A TOML basic string. Only a path can hold control characters: all other values are parsed.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
