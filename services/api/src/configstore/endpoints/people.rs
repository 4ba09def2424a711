//! Users, organizations, and what is theirs.

use drydock_core::error::Code;
use drydock_http::api::endpoint::Endpoint;

use crate::configstore::types::{
    LinkedAccountView, MemberRole, MemberView, NewLinkedAccount, NewOrg, NewToken, NewTokenView,
    NewUser, Org, OrgChange, OrgsQuery, ResolveToken, ResolvedToken, TokenView, User, UserChange,
    UserOrg,
};
use crate::endpoints::endpoints;

/// Users.
pub mod user {
    use super::*;

    endpoints! {
        list = Endpoint::get("/api/v1/users").about("lists users").lists::<User>();
        create = Endpoint::post("/api/v1/users")
            .about("creates a user, with a root project group")
            .creates::<NewUser, User>()
            .refuses(&[Code::InvalidName, Code::UserAlreadyExists]);
        get = Endpoint::get("/api/v1/users/{user}")
            .about("shows a user")
            .shows::<User>()
            .refuses(&[Code::UserNotExist]);
        update = Endpoint::put("/api/v1/users/{user}")
            .about("changes a user")
            .changes::<UserChange, User>()
            .refuses(&[Code::InvalidName, Code::UserAlreadyExists, Code::UserNotExist]);
        delete = Endpoint::delete("/api/v1/users/{user}")
            .about("deletes a user with everything of it")
            .deletes()
            .refuses(&[Code::LastOwner, Code::UserNotExist]);
        orgs = Endpoint::get("/api/v1/users/{user}/orgs")
            .about("lists the organizations of a user")
            .lists::<UserOrg>()
            .refuses(&[Code::UserNotExist]);
    }
}

/// Tokens of users.
pub mod token {
    use super::*;

    endpoints! {
        list = Endpoint::get("/api/v1/users/{user}/tokens")
            .about("lists the tokens of a user, without their values")
            .lists::<TokenView>()
            .refuses(&[Code::UserNotExist]);
        create = Endpoint::post("/api/v1/users/{user}/tokens")
            .about("makes a token, and shows its value once")
            .creates::<NewToken, NewTokenView>()
            .refuses(&[Code::InvalidName, Code::TokenAlreadyExists, Code::UserNotExist]);
        delete = Endpoint::delete("/api/v1/users/{user}/tokens/{token}")
            .about("deletes a token")
            .deletes()
            .refuses(&[Code::TokenNotExist, Code::UserNotExist]);
        resolve = Endpoint::post("/api/v1/tokens/resolve")
            .about("says whose token has this value")
            .takes::<ResolveToken>()
            .answers::<ResolvedToken>()
            .refuses(&[Code::TokenNotExist]);
    }
}

/// Who users are to remote sources.
pub mod linked_account {
    use super::*;

    endpoints! {
        list = Endpoint::get("/api/v1/users/{user}/linked_accounts")
            .about("lists who a user is to remote sources")
            .lists::<LinkedAccountView>()
            .refuses(&[Code::UserNotExist]);
        create = Endpoint::post("/api/v1/users/{user}/linked_accounts")
            .about("notes who a user is to a remote source")
            .creates::<NewLinkedAccount, LinkedAccountView>()
            .refuses(&[
                Code::LinkedAccountAlreadyExists,
                Code::RemoteSourceNotExist,
                Code::UserNotExist,
            ]);
        delete = Endpoint::delete("/api/v1/users/{user}/linked_accounts/{id}")
            .about("forgets who a user is to a remote source")
            .deletes()
            .refuses(&[Code::LinkedAccountNotExist, Code::UserNotExist]);
    }
}

/// Organizations.
pub mod org {
    use super::*;

    endpoints! {
        list = Endpoint::get("/api/v1/orgs")
            .about("lists organizations")
            .lists::<Org>()
            .query::<OrgsQuery>();
        create = Endpoint::post("/api/v1/orgs")
            .about("creates an organization, with a root project group")
            .creates::<NewOrg, Org>()
            .refuses(&[
                Code::InvalidName,
                Code::InvalidRef,
                Code::OrgAlreadyExists,
                Code::UserNotExist,
            ]);
        get = Endpoint::get("/api/v1/orgs/{org}")
            .about("shows an organization")
            .shows::<Org>()
            .refuses(&[Code::OrgNotExist]);
        update = Endpoint::put("/api/v1/orgs/{org}")
            .about("changes an organization")
            .changes::<OrgChange, Org>()
            .refuses(&[Code::InvalidName, Code::OrgAlreadyExists, Code::OrgNotExist]);
        delete = Endpoint::delete("/api/v1/orgs/{org}")
            .about("deletes an organization with everything of it")
            .deletes()
            .refuses(&[Code::OrgNotExist]);
    }
}

/// Members of organizations.
pub mod member {
    use super::*;

    endpoints! {
        list = Endpoint::get("/api/v1/orgs/{org}/members")
            .about("lists the members of an organization")
            .lists::<MemberView>()
            .refuses(&[Code::OrgNotExist]);
        get = Endpoint::get("/api/v1/orgs/{org}/members/{user}")
            .about("shows a membership")
            .shows::<MemberView>()
            .refuses(&[Code::MemberNotExist, Code::OrgNotExist, Code::UserNotExist]);
        put = Endpoint::put("/api/v1/orgs/{org}/members/{user}")
            .about("makes a user a member, or changes the role")
            .puts::<MemberRole, MemberView>()
            .refuses(&[Code::LastOwner, Code::OrgNotExist, Code::UserNotExist]);
        delete = Endpoint::delete("/api/v1/orgs/{org}/members/{user}")
            .about("ends a membership")
            .deletes()
            .refuses(&[
                Code::LastOwner,
                Code::MemberNotExist,
                Code::OrgNotExist,
                Code::UserNotExist,
            ]);
    }
}
