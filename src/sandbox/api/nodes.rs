//! DescribeCdnIp: whether an address is one of the CDN's nodes.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::Done;
use super::error::ApiRefusal;
use super::params::Params;
use crate::sandbox::state::Cloud;

/// The provider's figure.
const ADDRESSES_MAX: usize = 20;

pub(super) fn describe(cloud: &Cloud, params: &Params<'_>) -> Result<Done, ApiRefusal> {
    let texts = params.texts("Ips")?;
    if texts.len() > ADDRESSES_MAX {
        let message = format!("At most {ADDRESSES_MAX} addresses.");
        return Err(ApiRefusal::new("LimitExceeded.CdnQueryIpBatchTooMany", message));
    }
    let rows = texts.iter().map(|text| row(cloud, text)).collect::<Result<Vec<Value>, _>>()?;
    let fields = Map::from_iter([("Ips".to_owned(), Value::from(rows))]);
    Ok(Done { fields, ..Done::default() })
}

fn row(cloud: &Cloud, text: &str) -> Result<Value, ApiRefusal> {
    let address: IpAddr = text.parse().map_err(|_| ApiRefusal::parameter(format!("`{text}` is not an address.")))?;
    let is_node = cloud.is_node(address);
    let (platform, area) = if is_node { ("yes", "mainland") } else { ("no", "") };
    Ok(json!({"Ip": text, "Platform": platform, "Location": "", "History": [], "Area": area, "City": ""}))
}
