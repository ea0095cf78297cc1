//! Diagnoses on request: who may ask for one, how many run at once, and which is stored for whom.

mod findings;
mod input;
mod limits;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use self::limits::DiagnosisLimits;
use super::caller::lacks;
use super::{Caller, InputError, Service, ServiceError};
use crate::diagnose::attachments_from_input;
use crate::diagnose::{BundleMetadata, DEADLINE, Diagnose, DiagnosisInput, DiagnosisRecord, Monitor, zip};
use crate::domain::{
    Attachment, DiagnosisId, JobId, JobIdError, ScopeWord, Scopes, Target, TargetKind, TenantName, host_name,
};
use crate::store::{Job, StoreError, StoredDiagnosis};

/// A diagnosis of a job that has not changed since is answered again for so long.
const FRESH_MAX: Duration = Duration::from_secs(60);

/// What is asked about, as a body words it: exactly one of the three.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiagnosisRequest {
    pub url: Option<String>,
    pub host: Option<String>,
    pub job: Option<String>,
}

/// The addresses that are probed instead of what DNS and the provider say, by host.
#[derive(Debug, Clone, Default)]
pub struct ProbeOverrides {
    /// All edges of a host that verdicts are made from.
    pub edges: BTreeMap<String, Vec<SocketAddr>>,
    pub origins: BTreeMap<String, SocketAddr>,
}

/// Takes questions, and hands out diagnoses and their bundles.
pub struct DiagnosisService {
    service: Service,
    diagnoser: Arc<dyn Diagnose>,
    probed: ProbeOverrides,
    /// As `config show` prints it.
    configuration: String,
    limits: DiagnosisLimits,
    /// None: nobody walks.
    monitor: Option<Arc<Monitor>>,
}

/// What a question is about, once it is understood.
enum RequestedSubject {
    Job(Box<Job>),
    Url(Target),
    Host(String),
}

impl DiagnosisService {
    #[must_use]
    pub fn new(service: Service, diagnoser: Arc<dyn Diagnose>, probed: ProbeOverrides, configuration: String) -> Self {
        let limits = DiagnosisLimits::new(service.clock.clone());
        Self { service, diagnoser, probed, configuration, limits, monitor: None }
    }

    /// Makes a new diagnosis.
    ///
    /// # Errors
    /// Not exactly one subject, or none that can be; a scope that is missing; a host without a route; a job that is not found;
    /// too many at once.
    pub async fn diagnose(&self, caller: &Caller, request: &DiagnosisRequest) -> Result<DiagnosisRecord, ServiceError> {
        may_diagnose(caller)?;
        match self.understood(caller, request).await? {
            RequestedSubject::Job(job) => self.made_of_job(caller, *job).await,
            RequestedSubject::Url(target) => {
                self.may_touch(caller, target.host(), "/url")?;
                self.is_routed(target.host(), "/url")?;
                let _place = self.limits.enter(caller.token)?;
                self.diagnose_and_store(caller, None, self.case_of_url(caller, target).await?).await
            }
            RequestedSubject::Host(host) => {
                self.may_touch(caller, &host, "/host")?;
                self.is_routed(&host, "/host")?;
                let _place = self.limits.enter(caller.token)?;
                self.diagnose_and_store(caller, None, self.case_of_host(host).await?).await
            }
        }
    }

    /// The last diagnosis of the job if it is of now: no older than a minute, and the job has not changed since. Else a
    /// new one.
    ///
    /// # Errors
    /// The job is not found; a scope that is missing; too many at once.
    pub async fn of_job(&self, caller: &Caller, id: JobId) -> Result<DiagnosisRecord, ServiceError> {
        may_diagnose(caller)?;
        let job = self.service.visible_job(caller, id).await?;
        let diagnosis = self.service.store.newest_diagnosis(id).await?;
        let now = self.service.clock.now();
        let is_of_now = |stored_diagnosis: &StoredDiagnosis| {
            stored_diagnosis.job == Some((id, job.version)) && now.since(stored_diagnosis.created_at) < FRESH_MAX
        };
        if let Some(stored) = diagnosis.filter(is_of_now) {
            return self.record_for(caller, &stored).await;
        }
        self.made_of_job(caller, job).await
    }

    /// One that was made before.
    ///
    /// # Errors
    /// It is not found, is another tenant's, looked into a job that this caller may not see, or is about a host that they may
    /// not touch: these are not told apart.
    pub async fn stored(&self, caller: &Caller, id: DiagnosisId) -> Result<DiagnosisRecord, ServiceError> {
        may_diagnose(caller)?;
        let tenant = (!caller.scopes.sees_all()).then_some(&caller.tenant);
        let diagnosis = self.service.store.diagnosis(id, tenant).await?.ok_or(ServiceError::NotFound("diagnosis"))?;
        self.record_for(caller, &diagnosis).await
    }

    /// The diagnosis as files for a support ticket. The configuration names other tenants' hosts, so it is only for those
    /// who see all of them.
    #[must_use]
    pub fn bundle(&self, caller: &Caller, dossier: &DiagnosisRecord) -> Vec<u8> {
        let sees_all = caller.scopes.sees_all() || caller.scopes.may_administer();
        let configuration = sees_all.then_some(self.configuration.as_str());
        zip(dossier, BundleMetadata { version: env!("CARGO_PKG_VERSION"), configuration })
    }

    async fn understood(&self, caller: &Caller, request: &DiagnosisRequest) -> Result<RequestedSubject, ServiceError> {
        match (&request.url, &request.host, &request.job) {
            (Some(url), None, None) => {
                let target = Target::parse(TargetKind::Url, url);
                Ok(RequestedSubject::Url(target.map_err(|fault| wrong("/url", fault.code, fault.detail))?))
            }
            (None, Some(host), None) => {
                let name = host_name(host).ok_or_else(|| {
                    let detail = "a host name alone, such as www.example.com; for a page write its url";
                    wrong("/host", "not_a_host", detail.to_owned())
                })?;
                Ok(RequestedSubject::Host(name))
            }
            (None, None, Some(job)) => {
                let id: JobId =
                    job.parse().map_err(|fault: JobIdError| wrong("/job", "not_a_job", fault.to_string()))?;
                Ok(RequestedSubject::Job(Box::new(self.service.visible_job(caller, id).await?)))
            }
            _ => Err(wrong("", "one_subject", "name exactly one of url, host and job".to_owned())),
        }
    }

    async fn made_of_job(&self, caller: &Caller, job: Job) -> Result<DiagnosisRecord, ServiceError> {
        let kept_for = (job.tenant.clone(), (job.id, job.version));
        let _place = self.limits.enter(caller.token)?;
        let case = self.case_of_job(job).await?;
        self.may_touch(caller, case.target.host(), "/job")?;
        self.diagnose_and_store(caller, Some(kept_for), case).await
    }

    /// Looks, and keeps what was found. A job's diagnosis is its tenant's, whoever asked. The caller holds a place from before
    /// the case was gathered: that reads much too.
    async fn diagnose_and_store(
        &self,
        caller: &Caller,
        job: Option<(TenantName, (JobId, i64))>,
        case: DiagnosisInput,
    ) -> Result<DiagnosisRecord, ServiceError> {
        let diagnosis = self.diagnoser.diagnose(case.clone(), DEADLINE).await;
        let id = self.service.random.diagnosis_id(self.service.clock.now());
        let mut evidence = attachments_from_input(&case, &diagnosis);
        evidence.extend(self.request_sample(&case));
        let dossier = DiagnosisRecord::new(id, case.request.as_ref().map(|request| request.job), &diagnosis, &evidence);
        let (tenant, job) = job.map_or_else(|| (caller.tenant.clone(), None), |(tenant, job)| (tenant, Some(job)));
        let body = serde_json::to_string(&dossier).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let stored_diagnosis = StoredDiagnosis { id, tenant, job, body, created_at: diagnosis.ended_at };
        self.service.store.insert_diagnosis(stored_diagnosis).await?;
        let cause = diagnosis.causes.first().map_or("none", |cause| cause.id.as_str());
        tracing::info!(diagnosis.id = %id, target = %case.target, cause, tenant = %caller.tenant, "diagnosed");
        Ok(dossier)
    }

    fn may_touch(&self, caller: &Caller, host: &str, pointer: &str) -> Result<(), ServiceError> {
        if touches(&caller.scopes, host) {
            return Ok(());
        }
        let detail = format!("this takes a scope to purge or prefetch on {host}, such as {}", ScopeWord::PurgeUrl);
        let fault = InputError { pointer: pointer.to_owned(), code: "scope_missing", detail };
        Err(ServiceError::ScopeMissing { scopes: vec![ScopeWord::PurgeUrl], faults: vec![fault] })
    }

    /// Nobody can have anything purged there, so nobody has it probed: else this daemon would look at any place for anybody.
    /// A job's hosts were routed when it was kept, and what became of it is told also after that.
    fn is_routed(&self, host: &str, pointer: &str) -> Result<(), ServiceError> {
        if self.service.routes.account_for(host).is_some() {
            return Ok(());
        }
        let route = format!("{{ host = \"{host}\", account = … }}");
        let detail = format!(
            "no account serves {host}, so nothing is refreshed or looked at there; add {route} to routes in the \
             configuration, or correct the host"
        );
        Err(wrong(pointer, "no_route", detail))
    }

    /// What is kept, if this caller may touch what it is about.
    async fn record_for(&self, caller: &Caller, diagnosis: &StoredDiagnosis) -> Result<DiagnosisRecord, ServiceError> {
        let dossier: DiagnosisRecord = serde_json::from_str(&diagnosis.body)
            .map_err(|error| StoreError::Damaged(format!("a diagnosis: {error}")))?;
        // A URL leads to a job too, and whoever is on call to any tenant's.
        let looked_into = dossier.job.as_deref().and_then(|job| job.parse().ok());
        if let Some(id) = diagnosis.job.map(|(id, _)| id).or(looked_into) {
            // The job's own rule: it is shown whole or not at all.
            self.service.visible_job(caller, id).await.map_err(|refusal| match refusal {
                ServiceError::NotFound(_) => ServiceError::NotFound("diagnosis"),
                other => other,
            })?;
        }
        let target = dossier.answer.target.as_deref().and_then(|text| Target::parse(TargetKind::Url, text).ok());
        let may = target.is_none_or(|target| touches(&caller.scopes, target.host()));
        if may { Ok(dossier) } else { Err(ServiceError::NotFound("diagnosis")) }
    }

    fn request_sample(&self, case: &DiagnosisInput) -> Option<Attachment> {
        let request = case.request.as_ref()?;
        let text = self.service.engine_status.call_sample(&self.lane_of(case, request)?, &request.named)?;
        Some(Attachment { name: "request-sample.txt".to_owned(), text })
    }
}

fn may_diagnose(caller: &Caller) -> Result<(), ServiceError> {
    if caller.scopes.may_diagnose() { Ok(()) } else { Err(lacks(ScopeWord::Diagnose)) }
}

/// A diagnosis makes this daemon connect to the host: only whoever may have something done there may cause that, and whoever
/// is on call.
fn touches(scopes: &Scopes, host: &str) -> bool {
    scopes.may_change_host(host) || scopes.sees_all()
}

fn wrong(pointer: &str, code: &'static str, detail: String) -> ServiceError {
    ServiceError::Invalid(vec![InputError { pointer: pointer.to_owned(), code, detail }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_change_a_host_or_is_on_call_may_have_it_looked_at() {
        for (scopes, may) in [
            ("purge:directory@*.example.com", true),
            ("prefetch", true),
            ("purge:url@other.example", false),
            ("read diagnose admin control", false),
            ("oncall", true),
        ] {
            let scopes = scopes.parse().expect("scopes");
            assert_eq!(touches(&scopes, "www.example.com"), may, "{scopes}");
        }
    }
}
