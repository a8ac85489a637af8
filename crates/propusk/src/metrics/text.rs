//! The text format of Prometheus, version 0.0.4.

use std::fmt::{self, Write};

use super::{
    Family, Kind, Own, Value,
    histogram::{BOUNDS, Histogram},
};

pub(super) fn render(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        // Writing to a text does not fail.
        let _ = render_family(&mut text, family);
    }
    text
}

fn render_family(text: &mut String, family: &Family) -> fmt::Result {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let name = family.name;
    let help = family.help.replace('\\', r"\\").replace('\n', r"\n");
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
    for (labels, value) in &family.series {
        match value {
            Value::Sum(sources) => {
                let sum = sources
                    .iter()
                    .fold(0, |sum: u64, source| sum.saturating_add(source()));
                writeln!(text, "{name}{} {sum}", Shown(labels, None))?;
            }
            Value::Histogram(histogram) => render_histogram(text, name, labels, histogram)?,
        }
    }
    Ok(())
}

fn render_histogram(
    text: &mut String,
    name: &str,
    labels: &Own,
    histogram: &Histogram,
) -> fmt::Result {
    let mut count = 0;
    let bounds = BOUNDS.iter().map(|(bound, _)| *bound).chain(["+Inf"]);
    for (bound, below) in bounds.zip(histogram.cumulative()) {
        count = below;
        writeln!(text, "{name}_bucket{} {below}", Shown(labels, Some(bound)))?;
    }
    let (labels, sum) = (Shown(labels, None), histogram.sum().as_secs_f64());
    writeln!(
        text,
        "{name}_sum{labels} {sum}\n{name}_count{labels} {count}"
    )
}

/// Labels as they are printed, with the bound of a histogram.
struct Shown<'a>(&'a Own, Option<&'a str>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.1.map(|bound| ("le", bound));
        let mut open = '{';
        let own = self.0.0.iter().map(|(name, value)| (*name, &**value));
        for (name, value) in own.chain(bound) {
            let value = value
                .replace('\\', r"\\")
                .replace('"', r#"\""#)
                .replace('\n', r"\n");
            write!(f, "{open}{name}=\"{value}\"")?;
            open = ',';
        }
        if open == ',' {
            f.write_char('}')
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::metrics::{Counter, Metrics};

    #[test]
    fn the_text_format_0_0_4() {
        let metrics = Metrics::new();
        let a = metrics.counter(
            "a_total",
            "Counts \\ and\nmore.",
            &[("x", "1"), ("y", "\"\\\n")],
        );
        metrics.gauge_from("b", "Now.", &[], || 7);
        let again = Counter::default();
        metrics.register("a_total", "", &[("x", "1"), ("y", "\"\\\n")], &again);
        let other = metrics.counter("a_total", "", &[("x", "2")]);
        a.increment();
        again.add(2);
        other.add(u64::MAX);
        assert_eq!(
            metrics.render(),
            concat!(
                "# HELP a_total Counts \\\\ and\\nmore.\n# TYPE a_total counter\n",
                "a_total{x=\"1\",y=\"\\\"\\\\\\n\"} 3\n",
                "a_total{x=\"2\"} 18446744073709551615\n",
                "# HELP b Now.\n# TYPE b gauge\nb 7\n",
            )
        );
    }

    #[test]
    fn a_histogram_counts_up_to_all() {
        let metrics = Metrics::new();
        let histogram = metrics.histogram("d_seconds", "Durations.", &[("o", "v")]);
        histogram.observe(Duration::from_millis(2));
        metrics
            .histogram("d_seconds", "", &[("o", "v")])
            .observe(Duration::from_secs(9));
        let text = metrics.render();
        let mut lines = text.lines().skip(2);
        for (bound, count) in [
            ("0.00001", 0),
            ("0.0001", 0),
            ("0.0005", 0),
            ("0.001", 0),
            ("0.005", 1),
            ("0.01", 1),
            ("0.05", 1),
            ("0.1", 1),
            ("0.5", 1),
            ("1", 1),
            ("5", 1),
            ("+Inf", 2),
        ] {
            let expected = format!("d_seconds_bucket{{o=\"v\",le=\"{bound}\"}} {count}");
            assert_eq!(lines.next(), Some(expected.as_str()));
        }
        let rest: Vec<_> = lines.collect();
        assert_eq!(
            rest,
            ["d_seconds_sum{o=\"v\"} 9.002", "d_seconds_count{o=\"v\"} 2"]
        );
    }
}
