//! The arguments of commands on objects. Clap parses references, too: an invalid one is an error of
//! the command line.

use clap::{Args, Subcommand, ValueEnum};
use drydock_api::configstore::scoped::ScopeRef;
use drydock_api::configstore::types::{AuthKind, RemoteSourceKind, Role, Visibility};
use drydock_api::names::{Name, Ref, TreeRef};

#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Show the user to whom the token belongs
    Me,
    /// List all users
    List,
    /// Create a user
    Create {
        name: Name,
        /// Make the user an administrator
        #[arg(long)]
        admin: bool,
    },
    /// Show a user
    Show { user: Ref },
    /// Rename a user
    Rename { user: Ref, name: Name },
    /// Delete a user with all tokens, groups and projects
    Delete { user: Ref },
}

#[derive(Debug, Subcommand)]
pub enum TokenAction {
    /// List tokens, without their values
    List(OfUser),
    /// Create a token, and print its value, which is never shown again
    Create {
        name: Name,
        #[command(flatten)]
        of: OfUser,
    },
    /// Delete a token
    Delete {
        /// The token's name or id
        #[arg(value_name = "TOKEN", id = "which")]
        which: Ref,
        #[command(flatten)]
        of: OfUser,
    },
}

#[derive(Debug, Args)]
pub struct OfUser {
    /// The user who has the tokens; by default the user of `--token`
    #[arg(long)]
    pub user: Option<Ref>,
}

#[derive(Debug, Subcommand)]
pub enum OrgAction {
    /// List the organizations that you may see
    List,
    /// Create an organization; you become its owner
    Create {
        name: Name,
        #[arg(long, default_value = "private")]
        visibility: VisibilityArg,
        /// The user who becomes the owner instead of you; administrators only
        #[arg(long)]
        owner: Option<Ref>,
    },
    /// Show an organization
    Show { org: Ref },
    /// Change an organization
    Update {
        org: Ref,
        #[arg(long)]
        name: Option<Name>,
        #[arg(long)]
        visibility: Option<VisibilityArg>,
    },
    /// Delete an organization with all members, groups and projects
    Delete { org: Ref },
    /// List the members of an organization
    Members { org: Ref },
    /// Add a user to an organization, or change the user's role
    Join {
        org: Ref,
        user: Ref,
        #[arg(long, default_value = "member")]
        role: RoleArg,
    },
    /// Remove a user from an organization
    Leave { org: Ref, user: Ref },
}

#[derive(Debug, Subcommand)]
pub enum GroupAction {
    /// List the groups in a group
    List { parent: TreeRef },
    /// Create a group
    Create {
        parent: TreeRef,
        name: Name,
        #[arg(long, default_value = "private")]
        visibility: VisibilityArg,
    },
    /// Show a group
    Show { group: TreeRef },
    /// Change a group, or move it
    Update {
        group: TreeRef,
        #[command(flatten)]
        change: TreeChange,
    },
    /// Delete a group with all groups and projects in it
    Delete { group: TreeRef },
}

#[derive(Debug, Subcommand)]
pub enum ProjectAction {
    /// List the projects in a group
    List { parent: TreeRef },
    /// Create a project
    Create {
        parent: TreeRef,
        name: Name,
        #[arg(long, default_value = "private")]
        visibility: VisibilityArg,
        #[arg(long)]
        remote_source: Option<Ref>,
        #[arg(long, value_name = "PATH")]
        repository: Option<String>,
    },
    /// Show a project
    Show { project: TreeRef },
    /// Change a project, or move it
    Update {
        project: TreeRef,
        #[command(flatten)]
        change: TreeChange,
    },
    /// Delete a project with its secrets and variables
    Delete { project: TreeRef },
}

#[derive(Debug, Args)]
pub struct TreeChange {
    #[arg(long)]
    pub name: Option<Name>,
    /// The new parent: moves the object into this group
    #[arg(long)]
    pub parent: Option<TreeRef>,
    #[arg(long)]
    pub visibility: Option<VisibilityArg>,
}

#[derive(Debug, Subcommand)]
pub enum SecretAction {
    /// List secrets
    List(ListOfScope),
    /// Create a secret
    Create {
        name: Name,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Replace the data of a secret
    Update {
        secret: Ref,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Delete a secret
    Delete {
        secret: Ref,
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

#[derive(Debug, Args)]
pub struct DataArgs {
    /// Key and file: the value is the file's content, byte for byte; `KEY=-` reads the value from
    /// stdin
    #[arg(required = true, value_name = "KEY=FILE")]
    pub data: Vec<String>,
    /// Leave out the line break at the end of a file
    #[arg(long)]
    pub strip_newline: bool,
    /// Keep the content as base64, which a run must decode; for content that is not UTF-8
    #[arg(long)]
    pub base64: bool,
}

#[derive(Debug, Subcommand)]
pub enum VariableAction {
    /// List variables
    List(ListOfScope),
    /// Create a variable
    Create {
        name: Name,
        #[command(flatten)]
        values: ValueArgs,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Replace the values of a variable
    Update {
        variable: Ref,
        #[command(flatten)]
        values: ValueArgs,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Delete a variable
    Delete {
        variable: Ref,
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

#[derive(Debug, Args)]
pub struct ValueArgs {
    /// Secret and key of the value, optionally for branches such as `main` or `release/*` only; a
    /// run takes the first value that matches its branch
    #[arg(required = true, value_name = "SECRET.KEY[@BRANCHES]")]
    pub values: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum RemoteSourceAction {
    /// List the remote sources: servers with the repositories of projects
    List,
    /// Create a remote source; administrators only
    Create {
        name: Name,
        /// The absolute URL of the server's API
        url: String,
        #[arg(long)]
        kind: SourceKindArg,
        /// How users authenticate to the server
        #[arg(long)]
        auth: AuthKindArg,
    },
    /// Show a remote source
    Show { source: Ref },
    /// Change a remote source; administrators only
    Update {
        source: Ref,
        #[arg(long)]
        name: Option<Name>,
        #[arg(long)]
        url: Option<String>,
        #[arg(long)]
        kind: Option<SourceKindArg>,
        #[arg(long)]
        auth: Option<AuthKindArg>,
    },
    /// Delete a remote source; administrators only
    Delete { source: Ref },
}

#[derive(Debug, Args)]
pub struct ListOfScope {
    /// Include the groups above; of the same name the nearest is listed
    #[arg(long)]
    pub tree: bool,
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// The project or group in which secrets and variables are defined.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ScopeArgs {
    #[arg(long)]
    pub project: Option<TreeRef>,
    #[arg(long)]
    pub group: Option<TreeRef>,
}

impl ScopeArgs {
    pub fn scope(self) -> ScopeRef {
        match (self.project, self.group) {
            (Some(project), _) => ScopeRef::Project(project),
            (None, Some(group)) => ScopeRef::ProjectGroup(group),
            (None, None) => unreachable!("clap requires one of them"),
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum VisibilityArg {
    Public,
    Private,
}

impl From<VisibilityArg> for Visibility {
    fn from(arg: VisibilityArg) -> Visibility {
        match arg {
            VisibilityArg::Public => Visibility::Public,
            VisibilityArg::Private => Visibility::Private,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleArg {
    Owner,
    Member,
}

impl From<RoleArg> for Role {
    fn from(arg: RoleArg) -> Role {
        match arg {
            RoleArg::Owner => Role::Owner,
            RoleArg::Member => Role::Member,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SourceKindArg {
    Gitea,
    Github,
    Gitlab,
}

impl From<SourceKindArg> for RemoteSourceKind {
    fn from(arg: SourceKindArg) -> RemoteSourceKind {
        match arg {
            SourceKindArg::Gitea => RemoteSourceKind::Gitea,
            SourceKindArg::Github => RemoteSourceKind::Github,
            SourceKindArg::Gitlab => RemoteSourceKind::Gitlab,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AuthKindArg {
    Oauth2,
    Password,
    Token,
}

impl From<AuthKindArg> for AuthKind {
    fn from(arg: AuthKindArg) -> AuthKind {
        match arg {
            AuthKindArg::Oauth2 => AuthKind::Oauth2,
            AuthKindArg::Password => AuthKind::Password,
            AuthKindArg::Token => AuthKind::Token,
        }
    }
}
