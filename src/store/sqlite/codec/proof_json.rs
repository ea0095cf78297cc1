//! How a verdict's proof is written: the origin first, then the edges, each a list in one order. Few rows have one, so they
//! are written in full.

use serde_json::{Value, json};

use crate::domain::{HttpObservation, ObservedResponse, Proof, Timestamp};
use crate::store::StoreError;

pub(crate) fn written(proof: &Proof) -> String {
    let sides = std::iter::once(&proof.origin).chain(&proof.edges);
    Value::Array(sides.map(side).collect()).to_string()
}

fn side(side: &ObservedResponse) -> Value {
    let look = &side.look;
    let hash = look.body_sha256.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    json!([
        side.at.as_millis(),
        side.address.map(|address| address.to_string()),
        look.status,
        look.etag,
        look.last_modified,
        look.length,
        hash,
        look.encoding,
        look.vary,
        look.cache_control,
        look.location,
        look.age,
        look.cache,
        look.edge_log_id,
    ])
}

pub(crate) fn read(text: &str) -> Result<Proof, StoreError> {
    parsed(text).ok_or_else(|| StoreError::Damaged("a proof".to_owned()))
}

fn parsed(text: &str) -> Option<Proof> {
    let sides: Vec<Value> = serde_json::from_str(text).ok()?;
    let mut sides = sides.iter().map(|side| read_side(side.as_array()?)).collect::<Option<Vec<_>>>()?.into_iter();
    Some(Proof { origin: sides.next()?, edges: sides.collect() })
}

fn read_side(fields: &[Value]) -> Option<ObservedResponse> {
    let text = |place: usize| fields.get(place).and_then(Value::as_str).map(str::to_owned);
    let number = |place: usize| fields.get(place).and_then(Value::as_u64);
    let look = HttpObservation {
        status: number(2)?.try_into().ok()?,
        etag: text(3),
        last_modified: text(4),
        length: number(5),
        body_sha256: text(6).and_then(|hash| read_hash(&hash)),
        encoding: text(7),
        vary: text(8),
        cache_control: text(9),
        location: text(10),
        age: number(11),
        cache: text(12),
        edge_log_id: text(13),
    };
    let address = text(1).and_then(|address| address.parse().ok());
    Some(ObservedResponse { at: Timestamp::from_millis(fields.first()?.as_i64()?), address, look })
}

fn read_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let empty = ObservedResponse {
            at: Timestamp::from_millis(1),
            address: None,
            look: HttpObservation { status: 404, ..HttpObservation::default() },
        };
        let reason = |text: &str| Some(text.to_owned());
        let look = HttpObservation {
            status: 200,
            etag: reason("W/\"a\\b\""),
            last_modified: reason("b"),
            length: Some(u64::MAX),
            body_sha256: Some([0xab; 32]),
            encoding: reason("gzip"),
            vary: reason("c"),
            cache_control: reason("d"),
            location: reason("e"),
            age: Some(7),
            cache: reason("Cache Hit"),
            edge_log_id: reason("f"),
        };
        let full = ObservedResponse { at: Timestamp::from_millis(-2), address: "[::1]:443".parse().ok(), look };
        for proof in [
            Proof { origin: empty.clone(), edges: vec![full.clone(), empty.clone()] },
            Proof { origin: full, edges: Vec::new() },
        ] {
            assert_eq!(read(&written(&proof)).expect("readable"), proof);
        }
        assert!(read("[]").is_err() && read("[[1]]").is_err() && read("x").is_err());
    }
}
