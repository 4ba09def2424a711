//! What a caller is to the owner of an object.

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::{
    Org, Owner, ProjectGroupView, ProjectView, Relation, Role, Visibility,
};
use drydock_api::names::{OwnerKind, Ref};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::Consistency;
use uuid::Uuid;

use super::Caller;
use crate::errors;
use crate::errors::is_code;

/// An object that somebody may or may not see.
pub trait HasOwner {
    fn owner(&self) -> Owner;

    fn effective_visibility(&self) -> Visibility;
}

impl HasOwner for Org {
    fn owner(&self) -> Owner {
        Owner { kind: OwnerKind::Org, id: self.id, name: self.name.clone() }
    }

    fn effective_visibility(&self) -> Visibility {
        self.visibility
    }
}

impl HasOwner for ProjectGroupView {
    fn owner(&self) -> Owner {
        self.owner.clone()
    }

    fn effective_visibility(&self) -> Visibility {
        self.effective_visibility
    }
}

impl HasOwner for ProjectView {
    fn owner(&self) -> Owner {
        self.owner.clone()
    }

    fn effective_visibility(&self) -> Visibility {
        self.effective_visibility
    }
}

/// What the caller is to `owner`; `None` stands for the owner of what does not exist.
///
/// Whoever is not known to be the owner costs one look-up, whether there is anything to be looked
/// up or not: the time of an answer does not tell what is hidden from what is absent.
pub async fn relation(
    caller: &Caller,
    configstore: &ConfigstoreClient,
    ctx: &Context,
    owner: Option<&Owner>,
) -> Result<Relation, ApiError> {
    if caller.is_admin() {
        return Ok(Relation::Owner);
    }
    let Some(user) = caller.user() else { return Ok(Relation::Stranger) };
    let org = match owner {
        Some(owner) if owner.kind == OwnerKind::User && owner.id == user.id => {
            return Ok(Relation::Owner);
        }
        Some(owner) if owner.kind == OwnerKind::Org => owner.id,
        Some(_) | None => Uuid::nil(),
    };
    let (org, user) = (Ref::Id(org), Ref::Id(user.id));
    match configstore.member(ctx, &org, &user, Consistency::Linearizable).await {
        Ok(member) => Ok(match member.body.role {
            Role::Owner => Relation::Owner,
            Role::Member => Relation::Member,
        }),
        Err(error) => {
            let absent = [Code::MemberNotExist, Code::OrgNotExist, Code::UserNotExist];
            match absent.into_iter().any(|code| is_code(&error, code)) {
                true => Ok(Relation::Stranger),
                false => Err(errors::of(error, [])),
            }
        }
    }
}
