use drydock_api::configstore::endpoints::member::{Delete, Get, Put as PutFailure};
use drydock_api::configstore::refusals::{LastOwner, MemberNotExist, OrgNotExist, UserNotExist};
use drydock_api::configstore::types::{Org, Role, User};
use drydock_api::names::{Name, Ref};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::read_model::StoreError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use uuid::Uuid;

use super::{org, user};
use crate::model;
use crate::record::{Member, Stored};
use crate::schema::MEMBERS;

/// The effect of [`put`].
pub enum Put {
    Created(Member, Name),
    Kept(Member, Name),
}

/// The membership, and the name of its user.
pub fn get(tx: &Tx<'_>, org: &Ref, user: &Ref) -> Result<(Member, Name), ActionError<Get>> {
    let (org, user, member) = find(tx, org, user)?;
    let member = member.ok_or_else(|| no_member(&org, &user))?;
    Ok((member, user.name))
}

/// Makes the user a member with this role.
pub fn put(
    tx: &mut StoreTx<'_>,
    org: &Ref,
    user: &Ref,
    role: Role,
    if_match: &IfMatch,
) -> Result<Put, ActionError<PutFailure>> {
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
) -> Result<(), ActionError<Delete>> {
    let (org, user, member) = find(tx, org, user)?;
    let member = member.ok_or_else(|| no_member(&org, &user))?;
    if_match.check(Some(&member.etag()))?;
    keep_an_owner(tx, &member, &org, &user)?;
    Ok(tx.delete(MEMBERS, member.id)?)
}

pub(super) fn add(
    tx: &mut StoreTx<'_>,
    org: Uuid,
    user: Uuid,
    role: Role,
) -> Result<Member, StoreError> {
    let now = tx.now();
    let member =
        Member { id: tx.new_id(), org, user, role, revision: 1, created_at: now, updated_at: now };
    tx.put(MEMBERS, member.id, &member)?;
    Ok(member)
}

fn find<F: From<OrgNotExist> + From<UserNotExist>>(
    tx: &Tx<'_>,
    org: &Ref,
    user: &Ref,
) -> Result<(Org, User, Option<Member>), ActionError<F>> {
    let org = org::find(tx, org)?;
    let user = user::find(tx, user)?;
    let member = model::member::find(tx, org.id, user.id)?;
    Ok((org, user, member))
}

/// Fails if `member`, who is about to stop being an owner, is the last owner.
fn keep_an_owner<F: From<LastOwner>>(
    tx: &StoreTx<'_>,
    member: &Member,
    org: &Org,
    user: &User,
) -> Result<(), ActionError<F>> {
    if member.role == Role::Owner && !model::member::has_other_owner(tx, org.id, user.id)? {
        return Err(last_owner(org, user).into());
    }
    Ok(())
}

pub(super) fn last_owner(org: &Org, user: &User) -> LastOwner {
    LastOwner(user.name.clone().into(), format!("organization `{}`", org.name))
}

fn no_member(org: &Org, user: &User) -> MemberNotExist {
    MemberNotExist(user.name.clone().into(), org.name.clone().into())
}
