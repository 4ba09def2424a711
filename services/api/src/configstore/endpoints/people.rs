//! Operations on users, tokens, linked accounts, organizations and members.

use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::operation::DELEGATION;
use drydock_http::api::page::InvalidPage;
use drydock_http::api::precondition::RevisionMismatch;

use crate::configstore::refusals::{
    InvalidField, InvalidRef, LastOwner, LinkedAccountAlreadyExists, LinkedAccountNotExist,
    MemberNotExist, NotRepeatable, OrgAlreadyExists, OrgNotExist, RemoteSourceNotExist,
    TokenAlreadyExists, TokenNotExist, UserAlreadyExists, UserNotExist,
};
use crate::configstore::types::{
    LinkedAccountView, MemberRole, MemberView, NewLinkedAccount, NewOrg, NewToken, NewTokenView,
    NewUser, Org, OrgChange, ResolveToken, ResolvedToken, TokenView, User, UserChange, UserOrg,
};
use crate::endpoints::endpoints;
use crate::names::InvalidName;

/// Users.
pub mod user {
    use super::*;

    endpoints! {
        list: List { InvalidPage } =
            Endpoint::get("/api/v1/users").about("lists users").lists::<User>();
        create: Create { InvalidName, NotRepeatable, UserAlreadyExists } =
            Endpoint::post("/api/v1/users")
                .about("creates a user, with a root project group")
                .creates::<NewUser, User>();
        get: Get { UserNotExist } =
            Endpoint::get("/api/v1/users/{user}")
                .about("shows a user")
                .shows::<User>();
        update: Update { InvalidName, RevisionMismatch, UserAlreadyExists, UserNotExist } =
            Endpoint::put("/api/v1/users/{user}")
                .about("changes a user")
                .changes::<UserChange, User>();
        delete: Delete { LastOwner, RevisionMismatch, UserNotExist } =
            Endpoint::delete("/api/v1/users/{user}")
                .about("deletes a user with everything of it")
                .deletes();
        orgs: Orgs { InvalidPage, UserNotExist } =
            Endpoint::get("/api/v1/users/{user}/orgs")
                .about("lists the organizations of a user")
                .lists::<UserOrg>();
    }
}

/// Tokens of users.
pub mod token {
    use super::*;

    endpoints! {
        list: List { InvalidPage, UserNotExist } =
            Endpoint::get("/api/v1/users/{user}/tokens")
                .about("lists the tokens of a user, without their values")
                .lists::<TokenView>();
        create: Create { InvalidName, NotRepeatable, TokenAlreadyExists, UserNotExist } =
            Endpoint::post("/api/v1/users/{user}/tokens")
                .about("makes a token, and shows its value once")
                .creates::<NewToken, NewTokenView>();
        delete: Delete { RevisionMismatch, TokenNotExist, UserNotExist } =
            Endpoint::delete("/api/v1/users/{user}/tokens/{token}")
                .about("deletes a token")
                .deletes();
        resolve: Resolve { TokenNotExist } =
            Endpoint::post("/api/v1/tokens/resolve")
                .unaudited()
                .about("says whose token has this value")
                .takes::<ResolveToken>()
                .answers::<ResolvedToken>()
                .refuses(DELEGATION);
    }
}

/// Linked accounts: the accounts of users at remote sources.
pub mod linked_account {
    use super::*;

    endpoints! {
        list: List { InvalidPage, UserNotExist } =
            Endpoint::get("/api/v1/users/{user}/linked_accounts")
                .about("lists who a user is to remote sources")
                .lists::<LinkedAccountView>();
        create: Create {
            InvalidField, InvalidRef, LinkedAccountAlreadyExists, NotRepeatable,
            RemoteSourceNotExist, UserNotExist,
        } =
            Endpoint::post("/api/v1/users/{user}/linked_accounts")
                .about("notes who a user is to a remote source")
                .creates::<NewLinkedAccount, LinkedAccountView>();
        delete: Delete { LinkedAccountNotExist, RevisionMismatch, UserNotExist } =
            Endpoint::delete("/api/v1/users/{user}/linked_accounts/{id}")
                .about("forgets who a user is to a remote source")
                .deletes();
    }
}

/// Organizations.
pub mod org {
    use super::*;

    endpoints! {
        list: List { InvalidPage } =
            Endpoint::get("/api/v1/orgs")
                .about("lists organizations")
                .lists::<Org>();
        create: Create { InvalidName, InvalidRef, NotRepeatable, OrgAlreadyExists, UserNotExist } =
            Endpoint::post("/api/v1/orgs")
                .about("creates an organization, with a root project group")
                .creates::<NewOrg, Org>();
        get: Get { OrgNotExist } =
            Endpoint::get("/api/v1/orgs/{org}")
                .about("shows an organization")
                .shows::<Org>();
        update: Update { InvalidName, OrgAlreadyExists, OrgNotExist, RevisionMismatch } =
            Endpoint::put("/api/v1/orgs/{org}")
                .about("changes an organization")
                .changes::<OrgChange, Org>();
        delete: Delete { OrgNotExist, RevisionMismatch } =
            Endpoint::delete("/api/v1/orgs/{org}")
                .about("deletes an organization with everything of it")
                .deletes();
    }
}

/// Members of organizations.
pub mod member {
    use super::*;

    endpoints! {
        list: List { InvalidPage, OrgNotExist } =
            Endpoint::get("/api/v1/orgs/{org}/members")
                .about("lists the members of an organization")
                .lists::<MemberView>();
        get: Get { MemberNotExist, OrgNotExist, UserNotExist } =
            Endpoint::get("/api/v1/orgs/{org}/members/{user}")
                .about("shows a membership")
                .shows::<MemberView>();
        put: Put { LastOwner, OrgNotExist, RevisionMismatch, UserNotExist } =
            Endpoint::put("/api/v1/orgs/{org}/members/{user}")
                .about("makes a user a member, or changes the role")
                .puts::<MemberRole, MemberView>();
        delete: Delete { LastOwner, MemberNotExist, OrgNotExist, RevisionMismatch, UserNotExist } =
            Endpoint::delete("/api/v1/orgs/{org}/members/{user}")
                .about("ends a membership")
                .deletes();
    }
}
