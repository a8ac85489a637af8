//! Who is admitted without a valid token: the three admissions, in both eras.

use propusk::Admission::{Optional, Permissive, Required};

use crate::support::{Era, MOUNTS, Mount, Site, called, modern};

const NOBODY: &str = "error: This server requires an access token.";

#[tokio::test]
async fn the_three_admissions() {
    type Row = (
        &'static str,
        Vec<(&'static str, &'static str)>,
        [[&'static str; 3]; 3],
    );
    let bearer = |credential| vec![("Authorization", credential)];
    let two = vec![
        ("Authorization", "Bearer alice"),
        ("Authorization", "Bearer alice"),
    ];
    // The last becomes a 401 where there is a guard and the answer has not begun.
    let (free, must) = (["nobody", "nobody", NOBODY], |status| {
        [status, status, status]
    });
    let alice = must("alice");
    // For each admission: what the tools with `Option<AccessToken>`, with the context and with
    // `AccessToken` answer.
    #[rustfmt::skip]
    let table: Vec<Row> = vec![
        // presented         credentials                    Required     Optional     Permissive
        ("nothing",          vec![],                       [must("401"), free,        free]),
        ("another scheme",   bearer("Basic YWxpY2U6eA=="), [must("401"), free,        free]),
        ("an unknown token", bearer("Bearer unknown"),     [must("401"), must("401"), free]),
        ("an expired token", bearer("Bearer expired"),     [must("401"), must("401"), free]),
        ("one for others",   bearer("Bearer foreign"),     [must("401"), must("401"), free]),
        ("no token at all",  bearer("Bearer a b"),         [must("400"), must("400"), free]),
        ("two credentials",  two,                          [must("400"), must("400"), must("400")]),
        ("an outage",        bearer("Bearer outage"),      [must("503"), must("503"), must("503")]),
        ("a valid token",    bearer("Bearer alice"),       [alice,       alice,       alice]),
    ];
    for mount in MOUNTS {
        for (column, admission) in [Required, Optional, Permissive].into_iter().enumerate() {
            let site = Site::start(mount, |settings| settings.admission(admission)).await;
            for era in Era::BOTH {
                for (presented, headers, expected) in &table {
                    let tools = ["maybe", "context", "whoami"].iter().zip(expected[column]);
                    for (tool, expected) in tools {
                        let reply = site.tool(era, headers, tool).await;
                        let case = format!("{mount:?} {admission:?} {era:?} {tool} {presented}");
                        let guarded = mount == Mount::Server && era == Era::Modern;
                        let expected = if guarded && expected == NOBODY {
                            "401"
                        } else {
                            expected
                        };
                        assert_eq!(called(&reply), expected, "{case}: {reply:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn where_scopes_are_required_an_anonymous_caller_is_asked_to_sign_in() {
    for mount in MOUNTS {
        for admission in [Optional, Permissive] {
            let settings = |settings: propusk::AuthSettings| {
                settings.admission(admission).require_scopes("mcp").unwrap()
            };
            let site = Site::start(mount, settings).await;
            for era in Era::BOTH {
                let reply = site.tool(era, &[], "maybe").await;
                let case = format!("{mount:?} {admission:?} {era:?}: {reply:?}");
                assert_eq!(reply.status, 401, "{case}");
                let challenge = reply.header("www-authenticate").expect(&case);
                assert!(challenge.contains("scope=\"mcp\""), "{case}");
                assert!(!challenge.contains("error="), "{case}");
                let poor = [("Authorization", "Bearer poor")];
                assert_eq!(
                    called(&site.tool(era, &poor, "maybe").await),
                    "403",
                    "{case}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_anonymous_caller_may_list_tools_where_admitted() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| settings.admission(Optional)).await;
        let list = modern("tools/list", serde_json::json!({}));
        let reply = site.send(&list).await;
        assert_eq!(
            reply.json()["result"]["tools"].as_array().map(Vec::len),
            Some(9),
            "{reply:?}"
        );
        assert_eq!(
            site.send(&list.bearer("unknown")).await.status,
            401,
            "{mount:?}"
        );
    }
}
