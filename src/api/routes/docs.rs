//! `/docs`: the OpenAPI document as a page that works without JavaScript and loads nothing from elsewhere.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::problem::ApiError;

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    version: &'static str,
    calls: Vec<Endpoint>,
    shapes: Vec<Schema>,
}

/// One method of one path.
struct Endpoint {
    method: String,
    path: String,
    description: String,
    parameters: Vec<Field>,
    body: Option<TypeName>,
    answers: Vec<Field>,
}

/// What a body or an answer is made of.
struct Schema {
    name: String,
    description: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    /// Where a parameter stands, or whether a field must be there.
    place: String,
    kind: TypeName,
    description: String,
}

/// A type in words, and the shape that it names, if any.
#[derive(Debug, Default, PartialEq, Eq)]
struct TypeName {
    words: String,
    shape: String,
}

/// The document and the page about it, which need the document of all routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<OpenApi>> {
    OpenApiRouter::new().routes(routes!(document)).routes(routes!(page)).route("/docs.css", get(style))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1")))]
async fn document(State(document): State<Arc<OpenApi>>) -> Json<OpenApi> {
    Json(OpenApi::clone(&document))
}

/// This API in words, for people.
#[utoipa::path(get, path = "/docs", operation_id = "docs", responses((status = 200, description = "a page", content_type = "text/html")))]
async fn page(State(document): State<Arc<OpenApi>>) -> Result<Response, ApiError> {
    let internal = |error: &dyn std::fmt::Display| ApiError::Internal(error.to_string());
    let mut document = serde_json::to_value(document.as_ref()).map_err(|error| internal(&error))?;
    name_rows(&mut document);
    let docs = Docs { version: env!("CARGO_PKG_VERSION"), calls: calls(&document), shapes: shapes(&document) };
    let html = docs.render().map_err(|error| internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, html).into_response())
}

/// Nothing is loaded but our own style, nothing is run, and nobody may frame the page.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The page's style: a file of its own, since the policy lets no style stand in the page.
async fn style() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))], include_str!("docs.css"))
        .into_response()
}

/// The document spells the rows of a list out where it could name them; a page that did so would be twice as long.
fn name_rows(document: &mut Value) {
    let shapes = document["components"]["schemas"].clone();
    for (_, shape) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        let Some(rows) = shape.pointer_mut("/properties/items/items") else { continue };
        if let Some((name, _)) = entries(&shapes).find(|(_, shape)| *shape == rows) {
            *rows = serde_json::json!({ "$ref": name });
        }
    }
}

fn calls(document: &Value) -> Vec<Endpoint> {
    let mut calls = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, call) in entries(methods) {
            let body = &call["requestBody"];
            calls.push(Endpoint {
                method: method.to_uppercase(),
                path: path.clone(),
                description: description(call),
                parameters: call["parameters"]
                    .as_array()
                    .map_or(&[][..], Vec::as_slice)
                    .iter()
                    .map(parameter)
                    .collect(),
                body: content(body).map(kind),
                answers: entries(&call["responses"]).map(|(status, answer)| answered(status, answer)).collect(),
            });
        }
    }
    calls
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind: kind(&parameter["schema"]),
        description: text(&parameter["description"]),
    }
}

fn answered(status: &str, answer: &Value) -> Field {
    let kind = content(answer).map(kind).unwrap_or_default();
    Field { name: status.to_owned(), place: String::new(), kind, description: text(&answer["description"]) }
}

fn shapes(document: &Value) -> Vec<Schema> {
    let shape = |(name, schema): (&String, &Value)| {
        let required = |field: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == field));
        let field = |(name, schema): (&String, &Value)| Field {
            name: name.clone(),
            place: if required(name) { "always" } else { "optional" }.to_owned(),
            kind: kind(schema),
            description: text(&schema["description"]),
        };
        let fields = entries(&schema["properties"]).map(field).collect();
        Schema { name: name.clone(), description: text(&schema["description"]), fields }
    };
    entries(&document["components"]["schemas"]).map(shape).collect()
}

/// The schema of the one type of content that a body has.
fn content(body: &Value) -> Option<&Value> {
    Some(&entries(&body["content"]).next()?.1["schema"])
}

/// A schema in words: `string or null`, `list of JobAnswer`, `map of string`.
fn kind(schema: &Value) -> TypeName {
    if let Some(shape) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return TypeName { words: shape.to_owned(), shape: shape.to_owned() };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return either(choices.iter().map(kind).collect());
    }
    match &schema["type"] {
        Value::Array(choices) => either(choices.iter().map(|word| kind(&alone(schema, word))).collect()),
        Value::String(word) if word == "array" => within("list of", kind(&schema["items"])),
        Value::String(word) if word == "object" && schema["additionalProperties"].is_object() => {
            within("map of", kind(&schema["additionalProperties"]))
        }
        Value::String(word) => TypeName { words: word.clone(), shape: String::new() },
        _ => TypeName::default(),
    }
}

/// The schema with one of its types.
fn alone(schema: &Value, word: &Value) -> Value {
    let mut schema = schema.clone();
    schema["type"] = word.clone();
    schema
}

fn within(words: &str, inner: TypeName) -> TypeName {
    TypeName { words: format!("{words} {}", inner.words), shape: inner.shape }
}

/// What may be null is said last.
fn either(mut kinds: Vec<TypeName>) -> TypeName {
    kinds.sort_by_key(|kind| kind.words == "null");
    let words: Vec<&str> = kinds.iter().map(|kind| kind.words.as_str()).collect();
    let words = words.join(" or ");
    TypeName {
        words,
        shape: kinds.into_iter().map(|kind| kind.shape).find(|shape| !shape.is_empty()).unwrap_or_default(),
    }
}

fn description(call: &Value) -> String {
    let (summary, more) = (text(&call["summary"]), text(&call["description"]));
    if summary.is_empty() || more.starts_with(&summary) || more.is_empty() {
        return if more.is_empty() { summary } else { more };
    }
    format!("{summary} {more}")
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_told_in_words() {
        for (schema, words, shape) in [
            (json!({"type": "string"}), "string", ""),
            (json!({"type": ["null", "string"]}), "string or null", ""),
            (json!({"$ref": "#/components/schemas/JobAnswer"}), "JobAnswer", "JobAnswer"),
            (json!({"type": "array", "items": {"$ref": "#/x/ItemAnswer"}}), "list of ItemAnswer", "ItemAnswer"),
            (json!({"oneOf": [{"type": "null"}, {"$ref": "#/x/WhyAnswer"}]}), "WhyAnswer or null", "WhyAnswer"),
            (json!({"type": "object", "additionalProperties": {"type": "string"}}), "map of string", ""),
            (json!({}), "", ""),
        ] {
            let expected = TypeName { words: words.to_owned(), shape: shape.to_owned() };
            assert_eq!(kind(&schema), expected, "{schema}");
        }
    }
}
