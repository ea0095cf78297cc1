//! The demo's HTTP requests: publish at the origin, visit the edge, post a job, read jobs, events and calls.

use anyhow::{Context, ensure};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::environment::Environment;

pub(super) const HOST: &str = "www.example.com";

pub(super) struct Actions<'a> {
    environment: &'a Environment,
    http: Client,
}

/// The response to a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DemoPage {
    pub(super) status: u16,
    pub(super) body: String,
    /// The edge's header `x-cache-lookup`: hit or miss.
    pub(super) cache: String,
}

impl<'a> Actions<'a> {
    pub(super) fn new(environment: &'a Environment) -> anyhow::Result<Self> {
        Ok(Self { environment, http: Client::builder().no_proxy().build()? })
    }

    pub(super) async fn publish(&self, path: &str, body: &str) -> anyhow::Result<()> {
        let url = format!("http://{}/control/origin", self.environment.addresses.control);
        let content = json!({"host": HOST, "path": path, "body": body});
        let response = self.http.put(url).json(&content).send().await.context("the origin cannot be changed")?;
        ensure!(response.status().is_success(), "the origin was not changed: {}", response.status());
        Ok(())
    }

    pub(super) async fn visit_edge(&self, path: &str) -> anyhow::Result<DemoPage> {
        self.visit(format!("http://{}{path}", self.environment.addresses.edge)).await
    }

    pub(super) async fn visit_origin(&self, path: &str) -> anyhow::Result<DemoPage> {
        self.visit(format!("http://{}{path}", self.environment.addresses.origin)).await
    }

    async fn visit(&self, url: String) -> anyhow::Result<DemoPage> {
        let response = self.http.get(url).header("Host", HOST).send().await?;
        let cache = response.headers().get("x-cache-lookup").and_then(|value| value.to_str().ok()).unwrap_or("");
        let cache = cache.to_owned();
        Ok(DemoPage { status: response.status().as_u16(), body: response.text().await?, cache })
    }

    /// Posts a job and returns the status code and the answer.
    pub(super) async fn post(&self, body: &Value) -> anyhow::Result<(u16, Value)> {
        let response = self.http.post(self.daemon("/v1/jobs")).json(body).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }

    pub(super) async fn job(&self, id: &str) -> anyhow::Result<Value> {
        parse(self.http.get(self.daemon(&format!("/v1/jobs/{id}"))).send().await?).await
    }

    /// The job's events after number `after`.
    pub(super) async fn events(&self, id: &str, after: i64) -> anyhow::Result<Vec<Value>> {
        let list =
            parse(self.http.get(self.daemon(&format!("/v1/jobs/{id}/events?cursor={after}"))).send().await?).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// The calls that the cloud received after number `after`.
    pub(super) async fn calls(&self, after: i64) -> anyhow::Result<Vec<Value>> {
        let url = format!("http://{}/control/calls?after={after}", self.environment.addresses.control);
        let list = parse(self.http.get(url).send().await?).await?;
        Ok(list.as_array().or_else(|| list["calls"].as_array()).cloned().unwrap_or_default())
    }

    pub(super) fn daemon(&self, path: &str) -> String {
        format!("http://{}{path}", self.environment.daemon_address)
    }
}

async fn parse(response: Response) -> anyhow::Result<Value> {
    let response = response.error_for_status()?;
    Ok(response.json().await?)
}
