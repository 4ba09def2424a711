//! Where a deployment is, and how one looks into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock::config;
use drydock::config::stores::{CoordinationKind, ObjectsKind};
use drydock::config::{Config, Environment, Sources};
use drydock_backends::etcd::Etcd;
use drydock_backends::objects::open_s3;
use drydock_backends::tcp::TcpNet;
use drydock_core::coord::Coordination;
use drydock_core::error::Chain;
use drydock_core::store::Durability;
use drydock_harness::fleet::exit::Failure;
use drydock_runtime::encryption::KeyRing;
use object_store::ObjectStore;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// What the file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// `host:port` of every instance of configstore.
    instances: Vec<String>,
    /// The internal token; by default that of `drydock`, or of the environment.
    token: Option<SecretString>,
    /// The configuration of the deployment itself, beside this file unless the path is absolute.
    drydock: Option<PathBuf>,
}

/// A deployment of configstore that one may use as one likes.
#[derive(Clone)]
pub struct Deployment {
    /// `host:port` of every instance.
    pub instances: Vec<String>,
    /// The internal token.
    pub token: SecretString,
    /// What lies behind the instances, or why it cannot be looked at.
    pub inside: Result<Inside, String>,
}

/// Coordination and objects, as the instances have them.
#[derive(Clone)]
pub struct Inside {
    pub cluster: String,
    /// What secrets are encrypted with.
    pub keys: KeyRing,
    pub durability: Durability,
    /// Commits that may wait to be archived.
    pub unarchived: u64,
    pub coord: Arc<dyn Coordination>,
    pub objects: Arc<dyn ObjectStore>,
}

impl Deployment {
    /// Reads the file, and the configuration that it names.
    pub fn read(path: &Path) -> Result<Deployment, Failure> {
        let at = path.display();
        let usage = |why: &str| Failure::Usage(format!("`{at}`: {why}"));
        let text = std::fs::read_to_string(path).map_err(|error| usage(&error.to_string()))?;
        let file: File = toml::from_str(&text).map_err(|error| usage(&error.to_string()))?;
        if file.instances.is_empty() {
            return Err(usage("`instances` names none"));
        }
        let beside = path.parent().unwrap_or(Path::new(""));
        let config =
            file.drydock.map(|drydock| configuration(&beside.join(drydock))).transpose()?;
        let of_config = config.as_ref().and_then(|config| config.internal_token.clone());
        let of_env = environment()?.get("DRYDOCK_INTERNAL_TOKEN").map(SecretString::from);
        let token = file.token.or(of_config).or(of_env);
        let token = token.ok_or_else(|| {
            usage("there is no `token`: it or `DRYDOCK_INTERNAL_TOKEN` must be set")
        })?;
        let inside = match config {
            Some(config) => inside(&config)?,
            None => Err("`drydock`, the deployment's configuration, is not named".to_owned()),
        };
        Ok(Deployment { instances: file.instances, token, inside })
    }
}

fn environment() -> Result<Environment, Failure> {
    Environment::of_process().map_err(|error| Failure::Usage(error.to_string()))
}

fn configuration(path: &Path) -> Result<Config, Failure> {
    let environment = environment()?;
    let env = |name: &str| environment.get(name);
    let loaded = config::load(&Sources { file: Some(path), env: &env, flags: Vec::new() });
    Ok(loaded.map_err(|error| Failure::Usage(Chain(&error).to_string()))?.config)
}

fn inside(config: &Config) -> Result<Result<Inside, String>, Failure> {
    let (coordination, objects) = (&config.coordination, &config.objects);
    if coordination.kind != CoordinationKind::Etcd || objects.kind != ObjectsKind::S3 {
        return Ok(Err("only etcd and S3 can be looked into from outside".to_owned()));
    }
    let keys = config.encryption.keys.as_ref().ok_or_else(|| {
        Failure::Usage("`encryption.keys` is not set in the deployment's configuration".to_owned())
    })?;
    let etcd = Etcd::open(coordination.etcd(), Arc::new(TcpNet));
    let etcd = etcd.map_err(|error| Failure::Usage(Chain(&error).to_string()))?;
    let settings = objects.s3().ok_or_else(|| {
        Failure::Usage("`objects.bucket` is not set in the deployment's configuration".to_owned())
    })?;
    let objects = open_s3(&settings, Arc::new(TcpNet));
    let objects = objects.map_err(|error| Failure::Usage(Chain(&error).to_string()))?;
    Ok(Ok(Inside {
        cluster: config.cluster.clone(),
        keys: keys.expose_secret().parse().expect("checked when it was loaded"),
        durability: config.store.durability,
        unarchived: config.store.unarchived_commits,
        coord: Arc::new(etcd),
        objects,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Deployment, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let drydock = "cluster = \"c\"\ninternal_token = \"of-the-deployment\"\n\
                       encryption.keys = \"k:0101010101010101010101010101010101010101010101010101\
                       010101010101\"\n\
                       [coordination]\nkind = \"etcd\"\n\
                       [objects]\nkind = \"s3\"\nbucket = \"b\"\n";
        std::fs::write(folder.path().join("drydock.toml"), drydock).unwrap();
        let file = folder.path().join("against.toml");
        std::fs::write(&file, text).unwrap();
        Deployment::read(&file)
    }

    #[test]
    fn with_the_deployments_configuration_one_looks_inside() {
        let found = read("instances = [\"a:1\", \"b:1\"]\ndrydock = \"drydock.toml\"\n").unwrap();
        assert_eq!(found.instances, ["a:1", "b:1"]);
        assert_eq!(found.inside.unwrap().cluster, "c");
    }

    #[test]
    fn without_it_one_says_what_is_missing() {
        let found = read("instances = [\"a:1\"]\ntoken = \"t\"\n").unwrap();
        assert!(found.inside.err().unwrap().contains("`drydock`"));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused_with_its_mistake() {
        for (text, why) in [
            ("instances = []\ntoken = \"t\"\n", "`instances` names none"),
            ("instances = [\"a:1\"]\nadresses = []\n", "adresses"),
            ("instances = [\"a:1\"]\ndrydock = \"elsewhere.toml\"\n", "elsewhere.toml"),
        ] {
            let refused = read(text).err().unwrap();
            assert!(refused.to_string().contains(why), "{refused}");
        }
    }
}
