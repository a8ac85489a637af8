//! The same upstream directly, through the gate, and through nginx as a bare reverse proxy.
//!
//! The gate authorizes with a token of its store, decides about each call, and writes its audit log;
//! nginx passes bytes on. Either has core 0 alone. The upstream is the bare handler of the other
//! tables, so that nothing hides what stands in front of it; it shares core 1 with the load.

use std::{fs, net::TcpListener, path::Path};

use super::{
    load::{Amount, Load, Mode, Report},
    processor::{self, Core},
    programs::Programs,
    rounds::Plan,
    server::{Server, Store},
    statistics::median,
    table::{markdown, thousands},
};
use crate::debian;

/// For the rate, and for the time that one call takes.
const CONNECTIONS: [u32; 2] = [16, 1];

/// What stands in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Front {
    Nothing,
    Nginx,
    Gate,
}

impl Front {
    const ALL: [Self; 3] = [Self::Nothing, Self::Nginx, Self::Gate];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "the upstream itself",
            Self::Nginx => "through nginx",
            Self::Gate => "through `propusk serve --upstream`",
        }
    }

    fn start(self, programs: &Programs, store: &Store, upstream: &str) -> anyhow::Result<Server> {
        match self {
            Self::Nothing => Server::launch(Core::Load.command(programs.path("bench-bare"))),
            Self::Nginx => nginx(store.folder(), upstream),
            Self::Gate => {
                let mut command = Core::Server.command(programs.path("propusk"));
                command.args(["serve", "--listen", "127.0.0.1:0", "--tokens", &store.url]);
                command.args(["--upstream", upstream, "--audit"]);
                command.arg(store.folder().join("audit.jsonl"));
                Server::launch(command)
            }
        }
    }
}

/// One of them in one round.
#[derive(Debug, Clone, Copy)]
struct Sample {
    front: Front,
    many: Report,
    one: Report,
    cpu_micros: f64,
    resident_mib: f64,
}

/// Measures and prints.
pub(super) fn run(root: &Path, plan: &Plan) -> anyhow::Result<()> {
    debian::nginx()?;
    let programs = Programs::build(root)?;
    println!("{}\n", processor::describe());
    let mut rounds = Vec::new();
    for round in 0..plan.rounds {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        rounds.push(one_round(&programs, plan)?);
    }
    println!("{}", table(&rounds));
    println!("{}", aims(&rounds));
    Ok(())
}

fn one_round(programs: &Programs, plan: &Plan) -> anyhow::Result<Vec<Sample>> {
    let store = Store::create(programs)?;
    let upstream = Front::Nothing.start(programs, &store, "")?;
    let sample = |front: Front| {
        // Each contender is started anew, but the upstream itself.
        let fresh = match front {
            Front::Nothing => None,
            _ => Some(front.start(programs, &store, &upstream.url)?),
        };
        let server = fresh.as_ref().unwrap_or(&upstream);
        let load = Load {
            mode: Mode::Modern,
            token: &store.token,
            options: &[],
        };
        let [many, one] = CONNECTIONS;
        load.send(programs, server, many, Amount::Requests(plan.warm_up))?;
        let before = server.cpu_time()?;
        let many = load.send(programs, server, many, Amount::Seconds(plan.seconds))?;
        let cpu = server.cpu_time()? - before;
        let one = load.send(programs, server, one, Amount::Seconds(plan.seconds))?;
        Ok(Sample {
            front,
            many,
            one,
            cpu_micros: cpu.as_secs_f64() * 1e6 / many.requests as f64,
            resident_mib: server.resident_kib()? as f64 / 1024.0,
        })
    };
    Front::ALL.into_iter().map(sample).collect()
}

/// One process that passes everything on over connections that it keeps.
fn nginx(folder: &Path, upstream: &str) -> anyhow::Result<Server> {
    let address = upstream.strip_prefix("http://").unwrap_or(upstream);
    let address = address.split('/').next().unwrap_or_default();
    // Nobody else takes it in the moment between.
    let own = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let place = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {place}/{what};\n"))
        .concat();
    let config = format!(
        "worker_processes 1;\ndaemon off;\nmaster_process off;\npid {place}/nginx.pid;\n\
         error_log {place}/error.log;\nevents {{ worker_connections 1024; }}\n\
         http {{\naccess_log off;\n{temporary}\
         upstream behind {{ server {address}; keepalive 64; keepalive_requests 100000000; }}\n\
         server {{ listen {own}; keepalive_requests 100000000;\n\
         location / {{ proxy_pass http://behind; proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\"; proxy_set_header Host $host; }} }} }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config)?;
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|program| Path::new(program).is_file());
    let mut command = Core::Server.command(program.unwrap_or("nginx"));
    command.arg("-c").arg(&file).arg("-p").arg(folder);
    Server::launch_at(command, own, &format!("http://{own}/mcp"))
}

fn of(round: &[Sample], front: Front) -> Option<&Sample> {
    round.iter().find(|sample| sample.front == front)
}

/// The median, over the rounds, of what this makes of a sample and of the direct one of its round.
fn each(rounds: &[Vec<Sample>], front: Front, value: impl Fn(&Sample, &Sample) -> f64) -> f64 {
    let one = |round: &Vec<Sample>| {
        let direct = of(round, Front::Nothing)?;
        Some(value(of(round, front)?, direct))
    };
    median(rounds.iter().filter_map(one))
}

fn table(rounds: &[Vec<Sample>]) -> String {
    let row = |front: Front| {
        let number = |value: fn(&Sample, &Sample) -> f64| each(rounds, front, value);
        let added = |value: f64| match front {
            Front::Nothing => String::new(),
            _ => format!("{value:+.0}"),
        };
        vec![
            front.name().to_owned(),
            thousands(number(|own, _| own.many.per_second)),
            format!("{:.1}", number(|own, _| own.cpu_micros)),
            format!("{:.0}", number(|own, _| own.one.p50_micros)),
            added(number(|own, direct| {
                own.one.p50_micros - direct.one.p50_micros
            })),
            format!("{:.0}", number(|own, _| own.one.p99_micros)),
            added(number(|own, direct| {
                own.one.p99_micros - direct.one.p99_micros
            })),
            format!("{:.1}", number(|own, _| own.resident_mib)),
        ]
    };
    markdown(
        &[
            "2026-07-28 calls",
            "requests/s",
            "CPU µs/request",
            "p50 µs",
            "added",
            "p99 µs",
            "added",
            "resident MiB",
        ],
        &Front::ALL.map(row),
    )
}

/// What was aimed at, within each round.
fn aims(rounds: &[Vec<Sample>]) -> String {
    let of_nginx = |value: fn(&Sample, &Sample, &Sample) -> f64| {
        let ratio = |round: &Vec<Sample>| {
            let direct = of(round, Front::Nothing)?;
            let (gate, nginx) = (of(round, Front::Gate)?, of(round, Front::Nginx)?);
            Some(value(gate, nginx, direct))
        };
        median(rounds.iter().filter_map(ratio))
    };
    let added = of_nginx(|gate, nginx, direct| {
        let added = |own: &Sample| own.one.p50_micros - direct.one.p50_micros;
        added(gate) / added(nginx).max(1.0)
    });
    let late = of_nginx(|gate, nginx, direct| {
        let added = |own: &Sample| own.one.p99_micros - direct.one.p99_micros;
        added(gate) / added(nginx).max(1.0)
    });
    let rate = of_nginx(|gate, nginx, _| gate.many.per_second / nginx.many.per_second);
    let row = |aim: &str, measured: f64, met: bool| {
        let met = if met { "met" } else { "**not met**" };
        vec![aim.to_owned(), format!("{measured:.2}"), met.to_owned()]
    };
    markdown(
        &["aim", "measured", "met"],
        &[
            row(
                "at most 1.3 times the p50 that nginx adds",
                added,
                added <= 1.3,
            ),
            row(
                "at most 1.3 times the p99 that nginx adds",
                late,
                late <= 1.3,
            ),
            row(
                "at least half of nginx's requests per second",
                rate,
                rate >= 0.5,
            ),
        ],
    )
}
