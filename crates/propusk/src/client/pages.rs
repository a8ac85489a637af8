//! A list that comes in pages, all of it. How many pages there are is the server's word, so there is
//! a most of them.

use std::collections::HashSet;

use super::{ClientError, ErrorKind};

/// How many pages a list may have, and how many items. Real ones have a handful and some hundreds.
const MOST_PAGES: usize = 1_000;
const MOST_ITEMS: usize = 100_000;

/// What has come so far.
pub(super) struct Pages<T> {
    items: Vec<T>,
    cursors: HashSet<String>,
}

/// Why a list was given up.
#[derive(Debug, thiserror::Error)]
enum Endless {
    #[error("its list leads back to a page that was there before")]
    Circle,
    #[error("its list has not ended after {0} pages")]
    Pages(usize),
    #[error("its list has more than {0} entries")]
    Items(usize),
}

impl<T> Pages<T> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            cursors: HashSet::new(),
        }
    }

    /// Takes a page, and gives back where the next one is.
    pub(super) fn take(
        &mut self,
        page: Vec<T>,
        next: Option<String>,
    ) -> Result<Option<String>, ClientError> {
        if self.items.len() + page.len() > MOST_ITEMS {
            return Err(endless(Endless::Items(MOST_ITEMS)));
        }
        self.items.extend(page);
        let Some(next) = next else {
            return Ok(None);
        };
        if !self.cursors.insert(next.clone()) {
            return Err(endless(Endless::Circle));
        }
        if self.cursors.len() >= MOST_PAGES {
            return Err(endless(Endless::Pages(MOST_PAGES)));
        }
        Ok(Some(next))
    }

    pub(super) fn into_items(self) -> Vec<T> {
        self.items
    }
}

fn endless(why: Endless) -> ClientError {
    ClientError::caused(ErrorKind::Transport, why)
}
