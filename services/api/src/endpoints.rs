//! The macro with which a contract lists its operations.

/// Makes the function of each endpoint, and an enum of what the operation can refuse if it lists
/// that. `fails` names one that there is already.
/// Also `all`, which lists the endpoints: none can be forgotten.
macro_rules! endpoints {
    ($(
        $name:ident $(: $failures:ident { $($refusal:ident),* $(,)? })? $(fails $known:ty)?
            = $endpoint:expr;
    )*) => {
        drydock_core::failures! {$($(
            #[doc = concat!("What [`", stringify!($name), "`] can refuse.")]
            $failures { $($refusal),* }
        )?)*}

        $(pub fn $name() -> Endpoint$(<$failures>)?$(<$known>)? {
            $endpoint
        })*

        /// All endpoints, in the order of the document.
        pub fn all() -> Vec<Endpoint> {
            vec![$($name().described()),*]
        }
    };
}

pub(crate) use endpoints;
