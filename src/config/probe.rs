//! The section `probe`: allowed networks, name servers, trusted roots, and addresses used instead of DNS.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::layers::KeyPath;
use super::parse::{ADDRESS, address, network};
use super::reader::{ConfigReader, ReportedError};
use super::settings::{CaFile, ProbeConfig};
use crate::domain::host_name;

pub(super) fn read_probe(reader: &mut ConfigReader) -> Option<ProbeConfig> {
    let allow = reader.take_list(&KeyPath::of(&["probe", "allow"]), "a list of networks", network);
    let edges = read_addresses(reader, &KeyPath::of(&["probe", "edges"]));
    let origins = read_addresses(reader, &KeyPath::of(&["probe", "origins"]));
    let expected = "a list of addresses of name servers, each ADDRESS:PORT";
    let resolver = reader.take_list(&KeyPath::of(&["probe", "resolver"]), expected, |text| {
        text.parse().map_err(|_| r#"the address of a name server and its port, such as "10.0.0.2:53""#.to_owned())
    });
    let ca_file = read_ca_file(reader);
    Some(ProbeConfig { allow: allow?, resolver: resolver?, ca_file: ca_file.ok()?, edges: edges?, origins: origins? })
}

fn read_ca_file(reader: &mut ConfigReader) -> Result<Option<CaFile>, ReportedError> {
    let path = KeyPath::of(&["probe", "ca_file"]);
    let expected = "the path of a file with certificates in PEM form";
    let file = reader.take(&path, expected, |text| (!text.is_empty()).then(|| PathBuf::from(text)))?;
    let Some(file) = file else { return Ok(None) };
    match read_roots(&file) {
        Ok(roots) => Ok(Some(CaFile { path: file, roots })),
        Err(problem) => {
            Err(reader.note(&path, format!("{:?} {problem}, expected {expected}", file.display().to_string())))
        }
    }
}

fn read_roots(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(file).map_err(|error| format!("cannot be read ({error})"))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let roots = certificates.map_err(|error| format!("is not a PEM file ({error})"))?;
    if roots.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    let mut store = RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(|error| format!("holds a certificate that cannot be a root ({error})"))?;
    }
    Ok(roots)
}

fn read_addresses(reader: &mut ConfigReader, section: &KeyPath) -> Option<BTreeMap<String, SocketAddr>> {
    reader.take_section(section);
    let mut addresses = Vec::new();
    for name in reader.names(section) {
        let path = section.child(&name);
        let address = reader.take(&path, ADDRESS, address);
        let host =
            host_name(&name).ok_or_else(|| reader.note(&path, "is not a host name, expected one in quotes".into()));
        addresses.push(match (host, address) {
            (Ok(host), Ok(Some(address))) => Ok((host, address)),
            _ => Err(ReportedError),
        });
    }
    addresses.into_iter().collect::<Result<_, _>>().ok()
}
