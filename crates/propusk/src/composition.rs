//! What compositions of verifiers share: their members, and which of them gave an answer.

use crate::{AccessToken, Explanation, TokenVerifier, Unavailable, verify::DynTokenVerifier};

/// The verifiers of a composition.
///
/// An answer carries its [`Provenance`], so that what remembers the answer asks the member that
/// gave it for its revision later, and no other: one that cannot tell does not spoil the answers of
/// the rest.
#[derive(Default)]
pub(crate) struct Members(Vec<Box<dyn DynTokenVerifier>>);

impl Members {
    /// Adds a verifier; its index is returned.
    pub(crate) fn push(&mut self, verifier: impl TokenVerifier) -> usize {
        self.0.push(Box::new(verifier));
        self.0.len() - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What the member says that is responsible for a token.
    #[cfg(feature = "jwt")]
    pub(crate) async fn ask_responsible(
        &self,
        index: usize,
        token: &str,
    ) -> Result<Option<AccessToken>, Unavailable> {
        let answer = self.0[index].verify(token).await?;
        Ok(answer.map(|answer| passed_on(answer, index, AsOf::Asker)))
    }

    /// What one of several members says that may know a token.
    pub(crate) async fn ask_one_of_all(
        &self,
        index: usize,
        token: &str,
    ) -> Result<Option<AccessToken>, Unavailable> {
        let member = &self.0[index];
        // Before the token is verified: what is withdrawn from now on shows as a change. Whoever
        // asks us knows the sum of all members only.
        let revision = member.dyn_revision_of(token, None).await;
        let as_of = revision.map_or(AsOf::Untold, AsOf::Revision);
        let answer = member.verify(token).await?;
        Ok(answer.map(|answer| passed_on(answer, index, as_of)))
    }

    /// The sum: it changes when one of them changes.
    pub(crate) async fn revision(&self) -> Result<u64, Unavailable> {
        let mut sum = 0_u64;
        for member in &self.0 {
            sum = sum.wrapping_add(member.dyn_revision().await?);
        }
        Ok(sum)
    }

    /// That of one member for a token.
    pub(crate) async fn revision_of(&self, index: usize, token: &str) -> Result<u64, Unavailable> {
        self.0[index].dyn_revision_of(token, None).await
    }

    /// That of the member which gave this answer; `None`: that is not known.
    pub(crate) async fn revision_of_answer(
        &self,
        token: &str,
        answer: &AccessToken,
    ) -> Option<Result<u64, Unavailable>> {
        let (index, inner) = answer.provenance().unwrap();
        let member = self.0.get(index?)?;
        let answer = answer.clone().with_provenance(inner);
        Some(member.dyn_revision_of(token, Some(&answer)).await)
    }

    pub(crate) async fn explain(&self, index: usize, token: &str) -> Explanation {
        self.0[index].explain(token).await
    }
}

fn passed_on(answer: AccessToken, index: usize, as_of: AsOf) -> AccessToken {
    let provenance = answer.provenance().within(index, as_of);
    answer.with_provenance(provenance)
}

/// Which member of a composition gave an answer, through several levels of compositions, and the
/// revision of that member before it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// A byte for each level, the outermost lowest: the index plus one. Zero: no composition.
    path: u64,
    as_of: AsOf,
}

/// The revision that an answer is to be remembered with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum AsOf {
    /// The one that the asker was told for this token.
    #[default]
    Asker,
    /// This one.
    Revision(u64),
    /// It could not be told, so the answer must not be remembered.
    Untold,
}

impl Provenance {
    /// The revision to remember the answer with, where the asker was told `asked`.
    #[cfg(any(test, feature = "cached"))]
    pub(crate) fn revision(self, asked: Option<u64>) -> Option<u64> {
        match self.as_of {
            AsOf::Asker => asked,
            AsOf::Revision(revision) => Some(revision),
            AsOf::Untold => None,
        }
    }

    /// The same answer, passed on by a composition one level up.
    fn within(self, index: usize, as_of: AsOf) -> Self {
        let as_of = match self.as_of {
            AsOf::Asker => as_of,
            told => told,
        };
        match u8::try_from(index + 1) {
            Ok(step) if self.path >> 56 == 0 => Self {
                path: self.path << 8 | u64::from(step),
                as_of,
            },
            // Too deep or too wide to be written down: then it is the concern of all.
            _ => Self::default(),
        }
    }

    /// The index at the outermost level, and what the member itself said.
    fn unwrap(self) -> (Option<usize>, Self) {
        let index = usize::from(self.path as u8).checked_sub(1);
        let path = self.path >> 8;
        (index, Self { path, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_through_the_levels_is_kept() {
        let leaf = Provenance::default();
        assert_eq!(leaf.revision(Some(9)), Some(9));
        let nested = leaf
            .within(3, AsOf::Revision(7))
            .within(0, AsOf::Revision(100));
        assert_eq!(nested.revision(Some(9)), Some(7), "that of the leaf");
        let (outer, rest) = nested.unwrap();
        assert_eq!((outer, rest.unwrap().0), (Some(0), Some(3)));
        assert_eq!(rest.unwrap().1.unwrap().0, None);
        let untold = leaf.within(0, AsOf::Untold).within(0, AsOf::Asker);
        assert_eq!(untold.revision(Some(9)), None);
    }

    #[test]
    fn what_cannot_be_written_down_is_the_concern_of_all() {
        let one = AsOf::Revision(1);
        assert_eq!(Provenance::default().within(255, one).unwrap().0, None);
        let deep = (0..9).fold(Provenance::default(), |deep, _| deep.within(1, one));
        assert_eq!(deep, Provenance::default());
    }
}
