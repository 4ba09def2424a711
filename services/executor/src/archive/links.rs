//! Links that lead to a place inside, wherever other links lead.

use std::path::{Component, Path};

/// Whether a link in a folder of this depth leads to a place inside. The ways up come first, and no
/// more of them than there are folders above the link: further on, a name may be a link itself, and
/// a way up from where it leads could lead anywhere.
pub fn leads_inside(depth: usize, target: &Path) -> bool {
    let (mut ups, mut has_name) = (0, false);
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if !has_name => ups += 1,
            Component::Normal(_) => has_name = true,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    ups <= depth && (ups > 0 || has_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_up_only_at_its_beginning_and_never_out() {
        for (depth, target, inside) in [
            (0, "b", true),
            (0, "./b/c", true),
            (0, "..", false),
            (1, "..", true),
            (1, "../b", true),
            (1, "../../b", false),
            (2, "../../b", true),
            (1, "b/../c", false),
            (0, "b/../../c", false),
            (0, "/etc/passwd", false),
            (3, "/", false),
            (0, "", false),
            (0, ".", false),
        ] {
            assert_eq!(leads_inside(depth, Path::new(target)), inside, "{depth} {target}");
        }
    }
}
