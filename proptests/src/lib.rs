//! What shows that the ledger keeps its word: scenarios that people read, random histories that
//! nobody could think of, and a reference model that is too simple to be wrong in the same way.
pub mod book;
pub mod journal_contract;
pub mod scenario;
