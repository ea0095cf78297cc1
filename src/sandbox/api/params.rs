//! Reads an action's parameters by name and type, and refuses what the action does not know.

use serde_json::{Map, Value};

use super::error::CloudError;
use crate::sandbox::domain_config::domain::Area;

pub(super) struct Params<'a> {
    fields: &'a Map<String, Value>,
    type_error_code: String,
}

impl<'a> Params<'a> {
    /// `body` is `None` if it was not JSON at all; `names` are the names that the action takes.
    pub(super) fn read(body: Option<&'a Value>, names: &[&str], type_error_code: String) -> Result<Self, CloudError> {
        let Some(fields) = body.and_then(Value::as_object) else {
            return Err(CloudError::new("InvalidParameter", "The request body is not a JSON object."));
        };
        if let Some(name) = fields.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(CloudError::new("UnknownParameter", format!("The parameter `{name}` is not recognized.")));
        }
        Ok(Self { fields, type_error_code })
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, CloudError> {
        let list = self.list(name)?.ok_or_else(|| CloudError::missing(name))?;
        let text = |(index, value): (usize, &Value)| {
            value.as_str().map(str::to_owned).ok_or_else(|| self.wrong_type(&format!("{name}.{index}")))
        };
        list.iter().enumerate().map(text).collect()
    }

    /// A list of objects, each read with its own known names. Absent is empty.
    pub(super) fn objects(&self, name: &str, names: &[&str]) -> Result<Vec<Params<'a>>, CloudError> {
        let list = self.list(name)?.map_or(&[][..], Vec::as_slice);
        let object = |(index, value): (usize, &'a Value)| {
            if !value.is_object() {
                return Err(self.wrong_type(&format!("{name}.{index}")));
            }
            Params::read(Some(value), names, self.type_error_code.clone())
        };
        list.iter().enumerate().map(object).collect()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, CloudError> {
        self.typed(name, Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, CloudError> {
        Ok(self.typed(name, Value::as_bool)?.unwrap_or(false))
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, CloudError> {
        self.typed(name, Value::as_u64)
    }

    pub(super) fn area(&self, allowed: &[Area]) -> Result<Option<Area>, CloudError> {
        let Some(word) = self.text("Area")? else { return Ok(None) };
        let area = Area::parse(word).filter(|area| allowed.contains(area));
        area.map(Some).ok_or_else(|| CloudError::parameter(format!("`{word}` is not an Area of this action.")))
    }

    fn list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, CloudError> {
        self.typed(name, Value::as_array)
    }

    /// A null is as good as nothing: some clients send it for what their caller left out.
    fn typed<T>(&self, name: &str, convert: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, CloudError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => convert(value).map(Some).ok_or_else(|| self.wrong_type(name)),
        }
    }

    fn wrong_type(&self, name: &str) -> CloudError {
        CloudError::new(self.type_error_code.clone(), format!("The value type of parameter `{name}` is not valid."))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: [&str; 4] = ["Urls", "Area", "UrlEncode", "Limit"];

    fn refusal<T>(body: &Value, use_it: impl Fn(&Params<'_>) -> Result<T, CloudError>) -> (String, String) {
        let read = Params::read(Some(body), &KNOWN, "InvalidParameter".to_owned());
        let error = read.and_then(|params| use_it(&params).map(drop)).unwrap_err();
        (error.code.into_owned(), error.message)
    }

    #[test]
    fn a_wrong_type_is_named_by_its_place() {
        let (code, message) = refusal(&json!({"Urls": ["a", 7]}), |params| params.texts("Urls"));
        assert_eq!(code, "InvalidParameter");
        assert!(message.contains("`Urls.1`"), "{message}");
        assert!(refusal(&json!({"Urls": "a"}), |params| params.texts("Urls")).1.contains("`Urls`"));
        assert!(refusal(&json!({"UrlEncode": 1}), |params| params.flag("UrlEncode")).1.contains("`UrlEncode`"));
        assert!(refusal(&json!({"Limit": -1}), |params| params.count("Limit")).1.contains("`Limit`"));
    }

    #[test]
    fn what_is_missing_unknown_or_no_object_is_refused() {
        assert_eq!(refusal(&json!({"Urls": null}), |params| params.texts("Urls")).0, "MissingParameter");
        assert_eq!(refusal(&json!({"Extra": 1}), |_| Ok(())).0, "UnknownParameter");
        assert_eq!(refusal(&json!([]), |_| Ok(())).0, "InvalidParameter");
        let area = |params: &Params<'_>| params.area(&[Area::Mainland]);
        assert_eq!(refusal(&json!({"Area": "global"}), area).0, "InvalidParameter.CdnParamError");
    }
}
