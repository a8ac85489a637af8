//! The text format of Prometheus, version 0.0.4.

use std::fmt::{self, Write};

use super::{Family, Kind, Own, Value};

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
        #[cfg(feature = "layer")]
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
            #[cfg(feature = "layer")]
            Value::Histogram(histogram) => histogram.render(text, name, labels)?,
        }
    }
    Ok(())
}

/// Labels as they are printed, with the bound of a histogram.
pub(super) struct Shown<'a>(pub(super) &'a Own, pub(super) Option<&'a str>);

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
}
