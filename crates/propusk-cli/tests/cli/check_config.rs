//! `propusk check-config`: what is in force, where it comes from, and what makes no sense.

use crate::support::Sandbox;

/// What `serve` only warns of, this says as well.
#[test]
fn what_is_legal_and_probably_not_meant_is_said() {
    let place = Sandbox::new();
    place.write("empty.cedar", "// nothing yet\n");
    place.write(
        "odd.cedar",
        "permit(principal, action, resource) when { false };\n",
    );
    let upstream = "[[upstream]]\nurl = 'http://127.0.0.1:9/mcp'\n";
    for (config, expected) in [
        ("", "fixed tokens (--token) are for development"),
        (
            "[serve]\nresource = 'http://mcp.example.com/mcp'\n",
            "http://mcp.example.com/mcp: tokens travel in the clear",
        ),
        (
            "[serve]\nlisten = '0.0.0.0:8000'\n",
            "only requests to http://127.0.0.1:8000/mcp are answered",
        ),
        (
            "[proxies]\ntrusted = ['0.0.0.0/0']\n",
            "[proxies] trusts everybody",
        ),
        (
            &format!("{upstream}required-scope = ['a,b']\n"),
            "[[upstream]]: required-scope: the comma in \"a,b\"",
        ),
        (
            "[rules]\npolicy = 'empty.cedar'\n",
            "empty.cedar: there is no policy in it, so that nothing is allowed",
        ),
        ("[rules]\npolicy = 'odd.cedar'\n", "odd.cedar:1:1: "),
        (
            "[rules.methods]\n'tools/cal' = { denied = true }\n",
            "[rules.methods] \"tools/cal\": there is no such method of MCP; did you mean tools/call?",
        ),
        (
            &format!("{upstream}[upstream.scopes.methods]\n'prompt/*' = 'a'\n"),
            "[upstream.scopes.methods] \"prompt/*\": there is no such method",
        ),
        (
            &format!("{upstream}[upstream.scopes.tools]\nlook = 'a,b'\n"),
            "[upstream.scopes.tools] \"look\": the comma in",
        ),
        (
            "[[upstream]]\nurl = 'http://notes/'\nassertion = true\n",
            "[[upstream]]: credentials travel in the clear",
        ),
    ] {
        place.write("propusk.toml", config);
        let checked = place.run(&["check-config", "--token", "t=a"]).code(0);
        let line = format!("warning: {expected}");
        let line_with_file = format!("warning: propusk.toml: {expected}");
        let said = checked.err.contains(&line) || checked.err.contains(&line_with_file);
        assert!(said, "{config}: {checked:?}");
    }
    // Nothing to say of what is as it should be.
    place.write("good.cedar", "permit(principal, action, resource);\n");
    let config = format!(
        "[rules]\npolicy = 'good.cedar'\n{upstream}[upstream.rules.methods]\n'tasks/*' = {{ denied = true }}\n"
    );
    place.write("propusk.toml", config);
    let checked = place.run(&["check-config"]).code(0);
    assert!(!checked.err.contains("warning"), "{checked:?}");
}

#[test]
fn each_value_is_shown_with_its_source_and_secrets_are_not() {
    let place = Sandbox::new();
    place.write(
        "propusk.toml",
        "tokens = 'postgres://a:hunter2@db/x'\n[serve]\nlisten = '127.0.0.1:1'\ntoken = ['hunter2=a']\n\
         required-scope = ['mcp']\n[scopes.tools]\n'delete_*' = 'admin'\n",
    );
    let env = [
        ("PROPUSK_ADMISSION", "optional"),
        ("PROPUSK_TOKEN", "hunter2"),
    ];
    let args = ["check-config", "--listen", "127.0.0.1:2", "--json"];
    let done = place.run_with(&env, &args).code(0);
    assert!(
        !done.out.contains("hunter2") && !done.err.contains("hunter2"),
        "{done:?}"
    );
    let report = done.json();
    let settings = report["settings"].as_array().expect("a list");
    let found = |key: &str| {
        let one = settings.iter().find(|setting| setting["key"] == key);
        let one = one.unwrap_or_else(|| panic!("{key}: {report}"));
        (
            one["value"].as_str().expect("text"),
            one["source"].as_str().expect("text"),
        )
    };
    assert_eq!(found("serve.listen"), ("\"127.0.0.1:2\"", "--listen"));
    assert_eq!(
        found("serve.admission"),
        ("\"optional\"", "PROPUSK_ADMISSION")
    );
    assert_eq!(
        found("serve.required-scope"),
        ("[\"mcp\"]", "propusk.toml: serve.required-scope")
    );
    assert_eq!(found("serve.dpop").1, "default");
    assert_eq!(found("scopes.tools.\"delete_*\"").0, "\"admin\"");
    assert_eq!(report["endpoints"][0]["resource"], "http://127.0.0.1:2/mcp");
    // Neither a store nor anything else has come about.
    assert_eq!(place.files().keys().collect::<Vec<_>>(), ["propusk.toml"]);
}

#[test]
fn what_may_be_a_key_is_not_shown_wherever_it_stands() {
    let place = Sandbox::new();
    place.write(
        "propusk.toml",
        "[serve]\ntoken = ['t=a']\n\
         [[upstream]]\nname = 'one'\nurl = 'http://127.0.0.1:1/mcp?apikey=hunter2'\n\
         [[upstream]]\nname = 'two'\ncommand = ['cat', '--token=hunter2', 'hunter2']\n",
    );
    for more in [&[][..], &["--json"]] {
        let done = place.run(&[&["check-config"], more].concat()).code(0);
        let shown = format!("{}{}", done.out, done.err);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("the server at http://127.0.0.1:1/mcp?***"));
        assert!(shown.contains("the program cat and 2 arguments"), "{shown}");
    }
    std::fs::remove_file(place.path("propusk.toml")).expect("removed");
    for behind in [
        &["--upstream", "http://hunter2@127.0.0.1:1/mcp"][..],
        &["--", "cat", "--token=hunter2"],
    ] {
        let args = [&["check-config", "--token", "t=a"], behind].concat();
        let done = place.run(&args);
        let shown = format!("{}{}", done.out, done.err);
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

/// Whoever checks the settings of a server that runs must not be in its way.
#[test]
fn no_address_is_taken_and_no_program_started() {
    let place = Sandbox::new();
    let server = place.serve(&["--token", "t=a"]);
    place
        .run(&[
            "check-config",
            "--token",
            "t=a",
            "--listen",
            server.address(),
        ])
        .code(0);
    let absent = place
        .run(&["check-config", "--token", "t=a", "--", "no-such-program"])
        .code(2);
    assert!(
        absent.err.contains("no program \"no-such-program\""),
        "{absent:?}"
    );
}
