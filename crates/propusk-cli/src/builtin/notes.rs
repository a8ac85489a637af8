//! Notes in memory, each with its owner.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use propusk::Principal;
use rmcp::model::{ContentBlock, IntoContents};
use schemars::JsonSchema;
use serde::Serialize;

/// So that nobody fills the memory: together at most 64 MiB.
const MOST_NOTES: usize = 16_384;
const MOST_OF_ONE: usize = 1_024;
const LONGEST: usize = 4_096;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Note {
    /// Its number among the caller's notes.
    // `usize` would have the format `uint`, about which the official TypeScript client warns.
    #[schemars(with = "i64", range(min = 1))]
    id: usize,
    text: String,
    tags: Vec<String>,
}

#[derive(Default)]
pub(super) struct Notes {
    by_owner: Mutex<HashMap<Principal, Vec<Note>>>,
}

impl Notes {
    pub(super) fn add(
        &self,
        owner: &Principal,
        text: String,
        tags: Vec<String>,
    ) -> Result<Note, NotesFull> {
        if text.len() + tags.iter().map(String::len).sum::<usize>() > LONGEST {
            return Err(NotesFull::TooLong);
        }
        let mut notes = self.lock();
        if notes.values().map(Vec::len).sum::<usize>() >= MOST_NOTES {
            return Err(NotesFull::TooMany);
        }
        let own = notes.entry(owner.clone()).or_default();
        if own.len() >= MOST_OF_ONE {
            return Err(NotesFull::TooMany);
        }
        let note = Note {
            id: own.len() + 1,
            text,
            tags,
        };
        own.push(note.clone());
        Ok(note)
    }

    pub(super) fn of(&self, owner: &Principal) -> Vec<Note> {
        self.lock().get(owner).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Principal, Vec<Note>>> {
        self.by_owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A note does not fit.
#[derive(Debug)]
pub(super) enum NotesFull {
    TooMany,
    TooLong,
}

/// As the content of a result with `isError`.
impl IntoContents for NotesFull {
    fn into_contents(self) -> Vec<ContentBlock> {
        vec![ContentBlock::text(match self {
            Self::TooMany => "There are too many notes already.".to_owned(),
            Self::TooLong => format!("A note with its tags is at most {LONGEST} bytes."),
        })]
    }
}
