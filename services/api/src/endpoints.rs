//! How the operations of a contract are written down.

/// One function for each endpoint, and `all`, which lists them: none can be forgotten there.
macro_rules! endpoints {
    ($($name:ident = $endpoint:expr;)*) => {
        $(pub fn $name() -> Endpoint {
            $endpoint
        })*

        /// All of them, in the order of the document.
        pub fn all() -> Vec<Endpoint> {
            vec![$($name()),*]
        }
    };
}

pub(crate) use endpoints;
