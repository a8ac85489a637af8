//! What a server says and asks while a tool runs, at a terminal and elsewhere.

mod server;

use self::server::Asker;
use crate::{
    support::{PROPUSK, Sandbox},
    typing::Typing,
};

const ERAS: [&str; 2] = ["modern", "legacy"];

fn at_terminal(place: &Sandbox, server: &Asker, tool: &str, era: &str) -> Typing {
    let call = ["call", &server.url, tool, "--era", era];
    Typing::at_terminal(place.command(PROPUSK, &call, &[]))
}

fn shows(typing: &mut Typing, text: &str) {
    typing.until(text, |err| err.contains(text).then_some(()));
}

#[test]
fn a_form_is_filled_in_line_by_line() {
    let (place, server) = (Sandbox::new(), Asker::start());
    for era in ERAS {
        let mut call = at_terminal(&place, &server, "form", era);
        shows(
            &mut call,
            &format!("{} asks: Who are you?\\u{{1b}}[2J", server.url),
        );
        call.types("");
        shows(&mut call, "age (a whole number)?");
        call.types("old");
        shows(&mut call, "this is no whole number");
        call.types("33");
        shows(&mut call, "colour (one of red, green; default green)?");
        call.types("");
        shows(&mut call, "Name?");
        call.types("Анна");
        shows(&mut call, "news (y or n; may be left out)?");
        call.types("");
        let done = call.end().code(0);
        let answer = r#"accept {"age":33,"colour":"green","name":"Анна"}"#;
        assert_eq!(done.out, format!("{answer}\n"), "{era}: {done:?}");
    }
}

#[test]
fn a_form_is_declined_or_cancelled() {
    let (place, server) = (Sandbox::new(), Asker::start());
    for era in ERAS {
        let mut call = at_terminal(&place, &server, "form", era);
        shows(&mut call, "answer? [Y/n]");
        call.types("n");
        assert_eq!(call.end().code(0).out, "decline null\n");

        let mut call = at_terminal(&place, &server, "form", era);
        shows(&mut call, "answer? [Y/n]");
        call.types("y");
        shows(&mut call, "age (");
        // Ctrl-D.
        call.types("33\n\u{4}");
        assert_eq!(call.end().code(0).out, "cancel null\n");
    }
}

/// MCP, elicitation: a server must not ask for secrets in a form; if it does, the user is told.
#[test]
fn a_form_that_asks_for_a_secret_is_warned_of() {
    let (place, server) = (Sandbox::new(), Asker::start());
    let mut call = at_terminal(&place, &server, "secret", "modern");
    shows(&mut call, "\"Password\" looks like a secret");
    call.types("n");
    assert_eq!(call.end().code(0).out, "decline null\n");
}

/// MCP, URL mode: the whole address is shown, and the user consents before anything else.
#[test]
fn a_page_is_shown_and_not_opened() {
    let (place, server) = (Sandbox::new(), Asker::start());
    for (tool, answer, expected) in [
        ("page", "y", "accept null\n"),
        ("page", "n", "decline null\n"),
    ] {
        let mut call = at_terminal(&place, &server, tool, "modern");
        shows(&mut call, "  https://pay.example/?a=1&b=$(touch x)\n");
        call.types(answer);
        assert_eq!(call.end().code(0).out, expected);
    }
    let call = at_terminal(&place, &server, "script", "modern");
    let done = call.end().code(0);
    assert_eq!(done.out, "decline null\n", "{done:?}");
    assert!(place.files().is_empty(), "nothing ran");
}

/// Where nobody can be asked, the server is told so, and gets no answer of nobody's.
#[test]
fn a_script_is_never_asked() {
    let (place, server) = (Sandbox::new(), Asker::start());
    for era in ERAS {
        for tool in ["form", "page"] {
            let done = place.run(&["call", &server.url, tool, "--era", era]);
            assert!(!done.out.contains("accept"), "{done:?}");
            assert!(!done.err.contains("[Y/n]"), "{done:?}");
        }
    }
}

#[test]
fn progress_is_a_bar_at_a_terminal_and_nothing_elsewhere() {
    let (place, server) = (Sandbox::new(), Asker::start());
    for era in ERAS {
        let mut call = at_terminal(&place, &server, "work", era);
        shows(&mut call, "half");
        server.goes_on();
        let done = call.end().code(0);
        assert_eq!(done.out, "done\n");
        assert!(
            done.err.contains("[############------------]  50 % half"),
            "{done:?}"
        );
        assert!(
            done.err.ends_with("\r\u{1b}[2K"),
            "the line is empty afterwards: {done:?}"
        );
        server.goes_on();
        let done = place
            .run(&["call", &server.url, "work", "--era", era])
            .code(0);
        assert_eq!((&*done.out, &*done.err), ("done\n", ""));
    }
}

/// What a server says is never a line that could be the program's own.
#[test]
fn a_server_cannot_forge_lines_of_the_program() {
    let (place, server) = (Sandbox::new(), Asker::start());
    for args in [
        &["call", &server.url, "forged"][..],
        &["call", &server.url, "failed"],
        &["tools", &server.url],
    ] {
        let done = place.run(args);
        let all = done.out + &done.err;
        assert!(all.contains("propusk login http://evil"), "{all:?}");
        assert!(!all.contains(['\u{202e}', '\u{9b}']), "{all:?}");
        let forged = all
            .lines()
            .any(|line| line.trim_start().starts_with("sign in"));
        assert!(!forged, "{all:?}");
    }
}

/// Who is being asked types on an empty line.
#[test]
fn progress_does_not_draw_over_a_question() {
    let (place, server) = (Sandbox::new(), Asker::start());
    server.goes_on();
    let mut call = at_terminal(&place, &server, "busy", "legacy");
    shows(&mut call, "answer? [");
    call.types("y");
    shows(&mut call, "age (");
    call.types("33");
    shows(&mut call, "colour (");
    call.types("");
    shows(&mut call, "Name?");
    call.types("A");
    shows(&mut call, "news (");
    call.types("");
    let done = call.end().code(0);
    let (_, after) = done.err.split_once(" asks: ").expect("a question");
    let (question, _) = after.rsplit_once("news (").expect("the last one");
    assert!(!question.contains("half"), "{done:?}");
}

/// The terminal shows standard output too, so the bar goes before the answer comes.
#[test]
fn the_bar_is_gone_before_anything_else_is_written() {
    let (place, server) = (Sandbox::new(), Asker::start());
    let mut call = at_terminal(&place, &server, "slip", "modern");
    shows(&mut call, "half");
    server.goes_on();
    let done = call.end().code(1);
    let (before, after) = done.err.split_once("error:").expect("an error");
    assert!(before.contains("half"), "{done:?}");
    let (_, between) = before.rsplit_once("\r\u{1b}[2K").expect("an empty line");
    assert!(!between.contains('%'), "{done:?}");
    assert!(!after.contains("\r\u{1b}[2K"), "{done:?}");
}
