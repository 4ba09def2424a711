//! The macro with which a contract lists its operations.

/// Makes one function for each endpoint, and `all`, which lists them: no endpoint can be forgotten.
macro_rules! endpoints {
    ($($name:ident = $endpoint:expr;)*) => {
        $(pub fn $name() -> Endpoint {
            $endpoint
        })*

        /// All endpoints, in the order of the document.
        pub fn all() -> Vec<Endpoint> {
            vec![$($name()),*]
        }
    };
}

pub(crate) use endpoints;
