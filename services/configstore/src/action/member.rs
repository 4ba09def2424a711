use drydock_api::configstore::errors::{
    last_owner, member_not_exist, org_not_exist, user_not_exist,
};
use drydock_api::configstore::types::{Org, Role, User};
use drydock_api::names::{Name, Ref};
use drydock_core::db::Tx;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use uuid::Uuid;

use crate::model;
use crate::record::{Member, Stored};
use crate::schema::MEMBERS;

/// What [`put`] did.
pub enum Put {
    Created(Member, Name),
    Kept(Member, Name),
}

/// The membership, and the user's name.
pub fn get(tx: &Tx<'_>, org: &Ref, user: &Ref) -> Result<(Member, Name), BoxError> {
    let (org, user, member) = find(tx, org, user)?;
    let member = member.ok_or_else(|| member_not_exist(&org.name, &user.name))?;
    Ok((member, user.name))
}

/// Makes the user a member with this role.
pub fn put(
    tx: &mut StoreTx<'_>,
    org: &Ref,
    user: &Ref,
    role: Role,
    if_match: &IfMatch,
) -> Result<Put, BoxError> {
    let (org, user, old) = find(tx, org, user)?;
    if_match.check(old.as_ref().map(Stored::etag).as_deref())?;
    let Some(old) = old else {
        let member = add(tx, org.id, user.id, role)?;
        return Ok(Put::Created(member, user.name));
    };
    if old.role == role {
        return Ok(Put::Kept(old, user.name));
    }
    keep_an_owner(tx, &old, &org, &user)?;
    let member = Member { role, revision: old.revision + 1, updated_at: tx.now(), ..old };
    tx.put(MEMBERS, member.id, &member)?;
    Ok(Put::Kept(member, user.name))
}

pub fn delete(
    tx: &mut StoreTx<'_>,
    org: &Ref,
    user: &Ref,
    if_match: &IfMatch,
) -> Result<(), BoxError> {
    let (org, user, member) = find(tx, org, user)?;
    let member = member.ok_or_else(|| member_not_exist(&org.name, &user.name))?;
    if_match.check(Some(&member.etag()))?;
    keep_an_owner(tx, &member, &org, &user)?;
    tx.delete(MEMBERS, member.id)
}

pub(super) fn add(
    tx: &mut StoreTx<'_>,
    org: Uuid,
    user: Uuid,
    role: Role,
) -> Result<Member, BoxError> {
    let now = tx.now();
    let member =
        Member { id: tx.new_id(), org, user, role, revision: 1, created_at: now, updated_at: now };
    tx.put(MEMBERS, member.id, &member)?;
    Ok(member)
}

fn find(tx: &Tx<'_>, org: &Ref, user: &Ref) -> Result<(Org, User, Option<Member>), BoxError> {
    let org = model::org::find(tx, org)?.ok_or_else(|| org_not_exist(org))?;
    let user = model::user::find(tx, user)?.ok_or_else(|| user_not_exist(user))?;
    let member = model::member::find(tx, org.id, user.id)?;
    Ok((org, user, member))
}

/// Refuses if `member`, about to stop being an owner, is the last one.
fn keep_an_owner(
    tx: &StoreTx<'_>,
    member: &Member,
    org: &Org,
    user: &User,
) -> Result<(), BoxError> {
    if member.role == Role::Owner && !model::member::has_other_owner(tx, org.id, user.id)? {
        return Err(last_owner(&org.name, &user.name).into());
    }
    Ok(())
}
