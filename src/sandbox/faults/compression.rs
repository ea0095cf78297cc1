//! Compressed bodies as servers send them, by the plainest means: both formats may hold what they carry as it is.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, header};

use super::delivery;
use super::wire::BodyEncoding;
use crate::domain::Timestamp;
use crate::sandbox::listener::header_text;

/// What one stored block carries at most; both formats write its length in 16 bits.
const BLOCK_BYTES_MAX: usize = 0xffff;

/// The answer in this encoding, if the client takes it and there is something to encode.
pub(super) async fn compressed(
    response: Response<Body>,
    encoding: BodyEncoding,
    request: &HeaderMap,
    now: Timestamp,
) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let name = match encoding {
        BodyEncoding::Gzip => "gzip",
        BodyEncoding::Br => "br",
    };
    let accepted = header_text(request, &header::ACCEPT_ENCODING).split(',').any(|word| word.trim() == name);
    if !accepted || parts.headers.contains_key(header::CONTENT_ENCODING) {
        return Response::from_parts(parts, body);
    }
    let body = delivery::whole(body).await;
    if body.is_empty() {
        return Response::from_parts(parts, Body::empty());
    }
    let bytes = match encoding {
        BodyEncoding::Gzip => gzip(&body, now),
        BodyEncoding::Br => brotli(&body),
    };
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    let strong = header_text(&parts.headers, &header::ETAG).to_owned();
    if let Some(weak) = Some(strong).filter(|tag| tag.starts_with('"')).map(|tag| format!("W/{tag}"))
        && let Ok(weak) = HeaderValue::from_str(&weak)
    {
        parts.headers.insert(header::ETAG, weak);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// RFC 1952 with stored blocks (RFC 1951, 3.2.4). The header holds the time, so that no two seconds give the same bytes.
fn gzip(body: &[u8], now: Timestamp) -> Vec<u8> {
    let seconds = u32::try_from(now.as_secs()).unwrap_or(0);
    let mut bytes = vec![0x1f, 0x8b, 8, 0];
    bytes.extend(seconds.to_le_bytes());
    bytes.extend([0, 0xff]);
    let mut blocks = body.chunks(BLOCK_BYTES_MAX).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        bytes.push(u8::from(blocks.peek().is_none()));
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(block);
    }
    bytes.extend(crc32(body).to_le_bytes());
    let length = u32::try_from(body.len() & 0xffff_ffff).unwrap_or(0);
    bytes.extend(length.to_le_bytes());
    bytes
}

/// RFC 7932 with uncompressed meta-blocks. Bits are written from the lowest: the window's size once (0: 64 KiB), then for
/// each block 0 (not the last), 00 (a length of 16 bits), the length less one, and 1 (uncompressed).
fn brotli(body: &[u8]) -> Vec<u8> {
    const LAST_AND_EMPTY: u8 = 0b11;
    let mut bytes = Vec::new();
    for (number, block) in body.chunks(BLOCK_BYTES_MAX).enumerate() {
        let length = u32::try_from(block.len() - 1).unwrap_or(0);
        let head = (length << 3) | (1 << 19);
        let head = if number == 0 { head << 1 } else { head };
        bytes.extend(&head.to_le_bytes()[..3]);
        bytes.extend(block);
    }
    bytes.push(LAST_AND_EMPTY);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_bytes_are_those_that_the_formats_prescribe() {
        let now = Timestamp::from_millis(0);
        let gzipped = gzip(b"ab", now);
        assert_eq!(gzipped[..17], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 2, 0, 0xfd, 0xff, b'a', b'b']);
        // Bits 4 to 19 are the length less one, bit 20 says uncompressed.
        assert_eq!(brotli(b"ab"), [0x10, 0, 0x10, b'a', b'b', 3]);
    }
}
