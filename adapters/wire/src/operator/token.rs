//! `/v1/tokens`: enrollment tokens.
use edge_ledger_core::{Labels, Millis, Timestamp, TokenId, enrollment};
use serde::{Deserialize, Serialize};

use crate::{Fields, Malformed, read};

const YEAR: u64 = 366 * 24 * 60 * 60;

/// A token is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateToken {
    /// Name shown to operators.
    pub name: Box<str>,
    /// How many registrations it is good for.
    pub max_uses: u32,
    /// How long it is good.
    pub expires_in: Millis,
    /// The one device it is good for.
    pub device_number: Option<Box<str>>,
    /// Labels that an edge registered with it begins with.
    pub labels: Labels,
}

/// The token is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenAnswer {
    /// The token, shown this once; none if the request is a repeated one.
    pub token: Option<String>,
    /// What there is to see of it.
    pub details: Token,
}

/// An enrollment token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Box<str>,
    /// Whether it still registers edges.
    pub status: TokenStatus,
    /// How many registrations it is good for.
    pub max_uses: u32,
    /// How many there have been.
    pub uses: u32,
    /// Until when it is good.
    pub expires_at: String,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// The one device it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_number: Option<Box<str>>,
    /// Labels that an edge registered with it begins with.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// When it was made.
    pub created_at: String,
    /// The position of its making: tokens list in this order.
    pub position: u64,
}

/// Whether an enrollment token still registers edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum TokenStatus {
    /// It does.
    Active,
    /// Its uses are used up.
    UsedUp,
    /// Its time is over.
    Expired,
    /// An operator ended it.
    Revoked,
}

impl TryFrom<&Fields<'_>> for CreateToken {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let name = fields.optional("name", read::trimmed(1..=200))?;
        let max_uses = fields.optional("maxUses", read::integer(1..=1_000_000))?;
        let expires_in = fields.optional("expiresInSeconds", read::seconds(1..=YEAR))?;
        let token = Self {
            name: name.unwrap_or_else(|| "token".into()),
            max_uses: max_uses.unwrap_or(1),
            expires_in: expires_in.unwrap_or(Millis::from_secs(24 * 60 * 60)),
            device_number: fields.optional("deviceNumber", read::trimmed(1..=128))?,
            labels: fields.optional("labels", read::labels)?.unwrap_or_default(),
        };
        fields.no_others().map(|()| token)
    }
}

impl Token {
    /// Shows a token as it is at `now`.
    #[must_use]
    pub fn of(id: TokenId, token: &enrollment::Token, now: Timestamp) -> Self {
        let grant = token.grant();
        let status = match token.revoked_at() {
            Some(_) => TokenStatus::Revoked,
            None if grant.expires_at <= now => TokenStatus::Expired,
            None if token.uses() >= grant.max_uses => TokenStatus::UsedUp,
            None => TokenStatus::Active,
        };
        Self {
            id: id.to_string(),
            name: grant.name.clone(),
            status,
            max_uses: grant.max_uses,
            uses: token.uses(),
            expires_at: grant.expires_at.to_string(),
            revoked_at: token.revoked_at().map(|at| at.to_string()),
            device_number: grant.device_number.clone(),
            labels: grant.labels.clone(),
            created_at: token.created_at().to_string(),
            position: token.created_position().get(),
        }
    }
}
