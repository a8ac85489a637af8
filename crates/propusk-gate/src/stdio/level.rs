//! How grave a line of the log is (RFC 5424 §6.2.1, as both revisions use it).

use serde_json::Value;

/// A level; the later, the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl Level {
    const ALL: [(Self, &str); 8] = [
        (Self::Debug, "debug"),
        (Self::Info, "info"),
        (Self::Notice, "notice"),
        (Self::Warning, "warning"),
        (Self::Error, "error"),
        (Self::Critical, "critical"),
        (Self::Alert, "alert"),
        (Self::Emergency, "emergency"),
    ];

    /// The level of this name, as it stands in a message.
    pub(super) fn read(name: Option<&Value>) -> Option<Self> {
        let name = name?.as_str()?;
        let mut all = Self::ALL.into_iter();
        all.find_map(|(level, known)| (known == name).then_some(level))
    }

    pub(super) fn name(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        let found = all.find_map(|(level, name)| (level == self).then_some(name));
        found.unwrap_or("info")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Level;

    #[test]
    fn levels_have_their_names_and_their_order() {
        for (level, name) in Level::ALL {
            assert_eq!(level.name(), name);
            assert_eq!(Level::read(Some(&json!(name))), Some(level));
        }
        assert!(Level::ALL.is_sorted_by_key(|(level, _)| level));
        assert_eq!(Level::read(Some(&json!("loud"))), None);
    }
}
