#![doc = include_str!("../README.md")]

mod backend;
mod base62;
mod cache;
mod change_check;
mod digest;
mod error;
mod explain;
#[cfg(test)]
mod fake_backend;
mod issued;
mod last_used;
mod lifetime;
mod new_token;
mod postgres;
mod record;
mod refused;
mod row;
mod sqlite;
mod store;
mod store_url;
mod time;
mod token_id;
mod token_text;
mod verify;

pub use error::StoreError;
pub use issued::{IssuedToken, NewSecret};
pub use lifetime::{InvalidLifetime, Lifetime};
pub use new_token::{InvalidNewToken, NewToken};
pub use record::{Status, TokenRecord};
pub use store::TokenStore;
pub use store_url::{InvalidStoreUrl, StoreUrl};
pub use token_id::{InvalidTokenId, TokenId};
pub use token_text::{TokenFormatError, check_format};
