//! The codes of errors, and the kind of failure of each.

use serde::{Deserialize, Serialize};

use super::Kind;

macro_rules! codes {
    ($($variant:ident = $text:literal: $kind:ident,)*) => {
        /// The closed vocabulary of machine-readable codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($variant,)* }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// The kind of every error with this code.
            pub fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)* }
            }
        }

        impl std::str::FromStr for Code {
            type Err = ();
            fn from_str(text: &str) -> Result<Code, ()> {
                match text { $($text => Ok(Code::$variant),)* _ => Err(()) }
            }
        }
    };
}

codes! {
    ArchiveExpired = "archive_expired": Gone,
    ArchiveNotExist = "archive_not_exist": NotExist,
    ArchiveNotStored = "archive_not_stored": Conflict,
    ArchiveTooLarge = "archive_too_large": TooLarge,
    ArchivesExpired = "archives_expired": Conflict,
    AttemptNotExist = "attempt_not_exist": NotExist,
    BadArchive = "bad_archive": BadRequest,
    BadStatus = "bad_status": BadRequest,
    BodyTooLarge = "body_too_large": TooLarge,
    CacheNotExist = "cache_not_exist": NotExist,
    CacheReadOnly = "cache_read_only": Conflict,
    CallerForbidden = "caller_forbidden": Forbidden,
    CallerNotExist = "caller_not_exist": NotExist,
    CoordinationFull = "coordination_full": Unavailable,
    CoordinationUnavailable = "coordination_unavailable": Unavailable,
    CursorExpired = "cursor_expired": Gone,
    DeadlineExceeded = "deadline_exceeded": Timeout,
    EncryptionKeyMissing = "encryption_key_missing": Unavailable,
    ExecutorAlreadyExists = "executor_already_exists": Conflict,
    ExecutorNotExist = "executor_not_exist": NotExist,
    ExecutorUnknown = "executor_unknown": Conflict,
    Forbidden = "forbidden": Forbidden,
    IdempotencyKeyReused = "idempotency_key_reused": Unprocessable,
    ImportConstraint = "import_constraint": Unprocessable,
    ImportCorrupt = "import_corrupt": Unprocessable,
    ImportTruncated = "import_truncated": Unprocessable,
    ImportUnknownKey = "import_unknown_key": Unprocessable,
    ImportUnknownType = "import_unknown_type": Unprocessable,
    ImportVersion = "import_version": Unprocessable,
    ImportWrongService = "import_wrong_service": Unprocessable,
    Internal = "internal": Internal,
    InvalidBody = "invalid_body": BadRequest,
    InvalidCursor = "invalid_cursor": BadRequest,
    InvalidHeader = "invalid_header": BadRequest,
    InvalidLimit = "invalid_limit": BadRequest,
    InvalidName = "invalid_name": BadRequest,
    InvalidQuery = "invalid_query": BadRequest,
    InvalidRef = "invalid_ref": BadRequest,
    LastOwner = "last_owner": Conflict,
    LineageNotExist = "lineage_not_exist": NotExist,
    LinkedAccountAlreadyExists = "linked_account_already_exists": Conflict,
    LinkedAccountNotExist = "linked_account_not_exist": NotExist,
    LogDeleted = "log_deleted": Gone,
    LogExpired = "log_expired": Gone,
    LogNotExist = "log_not_exist": NotExist,
    LogTooLarge = "log_too_large": TooLarge,
    Maintenance = "maintenance": Unavailable,
    MaintenanceNotReady = "maintenance_not_ready": Conflict,
    MemberNotExist = "member_not_exist": NotExist,
    MethodNotAllowed = "method_not_allowed": MethodNotAllowed,
    NotInMaintenance = "not_in_maintenance": Conflict,
    NotReady = "not_ready": Unavailable,
    OrgAlreadyExists = "org_already_exists": Conflict,
    OrgNotExist = "org_not_exist": NotExist,
    ProjectAlreadyExists = "project_already_exists": Conflict,
    ProjectGroupAlreadyExists = "project_group_already_exists": Conflict,
    ProjectGroupCycle = "project_group_cycle": Conflict,
    ProjectGroupNotExist = "project_group_not_exist": NotExist,
    ProjectGroupTooDeep = "project_group_too_deep": Conflict,
    ProjectNotExist = "project_not_exist": NotExist,
    ReadModelFull = "read_model_full": Unavailable,
    RemoteSourceAlreadyExists = "remote_source_already_exists": Conflict,
    RemoteSourceInUse = "remote_source_in_use": Conflict,
    RemoteSourceNotExist = "remote_source_not_exist": NotExist,
    RevisionMismatch = "revision_mismatch": PreconditionFailed,
    RootProjectGroup = "root_project_group": Conflict,
    RouteNotExist = "route_not_exist": NotExist,
    RunNotExist = "run_not_exist": NotExist,
    RunNotRestartable = "run_not_restartable": BadRequest,
    SecretAlreadyExists = "secret_already_exists": Conflict,
    SecretNotExist = "secret_not_exist": NotExist,
    SessionReplaced = "session_replaced": Conflict,
    StaleAttempt = "stale_attempt": Conflict,
    StorageUnavailable = "storage_unavailable": Unavailable,
    TaskNotExist = "task_not_exist": NotExist,
    TokenAlreadyExists = "token_already_exists": Conflict,
    TokenNotExist = "token_not_exist": NotExist,
    TooManyRequests = "too_many_requests": TooManyRequests,
    TransactionTooLarge = "transaction_too_large": TooLarge,
    Unauthorized = "unauthorized": Unauthorized,
    Unavailable = "unavailable": Unavailable,
    UnsupportedMediaType = "unsupported_media_type": UnsupportedMediaType,
    UpgradePending = "upgrade_pending": Unavailable,
    UserAlreadyExists = "user_already_exists": Conflict,
    UserNotExist = "user_not_exist": NotExist,
    VariableAlreadyExists = "variable_already_exists": Conflict,
    VariableNotExist = "variable_not_exist": NotExist,
    WrongPhase = "wrong_phase": Conflict,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
