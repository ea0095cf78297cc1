//! `GET /docs` and `GET /openapi.json`.

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_tell_every_path_without_a_token_or_anything_from_elsewhere() {
    let world = World::with_tokens().await;
    let page = world.http().get(world.url("/docs")).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(
        page.headers()["content-security-policy"].to_str().is_ok_and(|policy| policy.contains("default-src 'none'"))
    );
    let html = page.text().await.expect("a page");
    let document = world.get("/openapi.json").await.body;
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, call) in methods.as_object().expect("methods") {
            assert!(ids.insert(call["operationId"].to_string()), "an id that two calls have: {call}");
            let heading = format!("{} {path}</code></h3>", method.to_uppercase());
            assert!(html.contains(&heading), "{heading}");
        }
    }
    for path in ["/v1/quota", "/v1/lanes", "/v1/lanes/{id}/pause", "/v1/lanes/{id}/resume", "/v1/plan", "/docs"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert!(html.contains("id=\"LaneAnswer\"") && html.contains("list of LaneAnswer"));
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("href=\"http"));
    for anchor in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(html.contains(&format!("id=\"{anchor}\"")), "nothing is at #{anchor}");
    }
    let style = world.http().get(world.url("/docs.css")).send().await.expect("an answer");
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
    world.end().await;
}
