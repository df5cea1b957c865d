//! Bodies of requests.
use edge_ledger_wire::{
    Fields, Malformed, edge,
    operator::{
        Adopt, Cancel, CreateToken, Disable, Nothing, Reassign, Revoke, Rotate, SetCapacity,
        SetLabels, SubmitRequest,
    },
};

/// Takes bytes for the body of every request there is. Each is read or refused, with a reason.
///
/// # Panics
///
/// Panics if a refusal says nothing.
pub fn wire(body: &[u8]) {
    let fields = match Fields::of_body(body) {
        Ok(fields) => fields,
        Err(malformed) => return says_something(&malformed),
    };
    let refused = [
        edge::worker_id(&fields).err(),
        edge::RegisterRequest::try_from(&fields).err(),
        edge::ConnectivityRequest::try_from(&fields).err(),
        edge::NextRequest::try_from(&fields).err(),
        edge::HeartbeatRequest::try_from(&fields).err(),
        edge::ResultsRequest::try_from(&fields).err(),
        edge::CompleteRequest::try_from(&fields).err(),
        edge::FailRequest::try_from(&fields).err(),
        Nothing::try_from(&fields).err(),
        Disable::try_from(&fields).err(),
        SetLabels::try_from(&fields).err(),
        SetCapacity::try_from(&fields).err(),
        Rotate::try_from(&fields).err(),
        Revoke::try_from(&fields).err(),
        Cancel::try_from(&fields).err(),
        Reassign::try_from(&fields).err(),
        Adopt::try_from(&fields).err(),
        SubmitRequest::try_from(&fields).err(),
        CreateToken::try_from(&fields).err(),
    ];
    refused.iter().flatten().for_each(says_something);
}

fn says_something(malformed: &Malformed) {
    assert!(!malformed.to_string().trim().is_empty(), "a refusal says why");
}
