use std::os::unix::fs::PermissionsExt;

use drydock_core::env::Env;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::config::*;

struct Case {
    dir: TempDir,
    file: Option<&'static str>,
    env: &'static [(&'static str, &'static str)],
    flags: Vec<(&'static str, String)>,
}

fn case() -> Case {
    Case { dir: TempDir::new().unwrap(), file: None, env: &[], flags: Vec::new() }
}

impl Case {
    fn load(&self) -> Result<Loaded, String> {
        let path = self.dir.path().join("drydock.toml");
        if let Some(text) = self.file {
            std::fs::write(&path, text).unwrap();
        }
        let env = |name: &str| {
            let found = self.env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let loaded = load(&Sources {
            file: self.file.map(|_| path.as_path()),
            env: &env,
            flags: self.flags.clone(),
        });
        let prefix = format!("{}/", self.dir.path().display());
        loaded.map_err(|error| error.to_string().replace(&prefix, ""))
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let mut case = case();
    let addresses = |case: &Case| {
        let loaded = case.load().unwrap();
        let origin = loaded.values["configstore.listen"].origin.clone();
        (loaded.config.configstore.listen.port(), origin)
    };
    assert_eq!(addresses(&case), (8001, Origin::Default));
    case.file = Some("cluster = \"x\"\n\n[configstore]\nlisten = \"127.0.0.1:1\"\n");
    let (port, origin) = addresses(&case);
    assert!(matches!(origin, Origin::File { line: 4, .. }), "{origin}");
    assert_eq!(port, 1);
    case.env = &[("DRYDOCK_CONFIGSTORE_LISTEN", "127.0.0.1:2")];
    let env = Origin::Env("DRYDOCK_CONFIGSTORE_LISTEN".into());
    assert_eq!(addresses(&case), (2, env));
    case.flags = vec![("configstore.listen", "127.0.0.1:3".to_owned())];
    let flag = Origin::Flag("--configstore-listen".into());
    assert_eq!(addresses(&case), (3, flag));
    assert_eq!(case.load().unwrap().config.cluster, "x");
}

#[test]
fn a_mistake_in_the_file_names_file_and_line() {
    for (file, expected) in [
        ("clutser = 1\n", "drydock.toml:1: unknown key `clutser`"),
        (
            "\n[http]\nlisten = \"x\"\n",
            "drydock.toml:3: unknown key `http.listen`; there is `configstore.listen`",
        ),
        ("[http]\nmax_body_bytes = \"x\"\n", "drydock.toml:2: `http.max_body_bytes`: invalid type"),
        ("[http]\nmax_connections = 0\n", "drydock.toml:2: `http.max_connections`: must be at"),
        ("[http]\nmax_connections = -1\n", "drydock.toml:2: `http.max_connections`"),
        ("[instance]\nlease_ttl = \"soon\"\n", "drydock.toml:2: `instance.lease_ttl`"),
        ("[instance]\nlease_ttl = \"0s\"\n", "drydock.toml:2: `instance.lease_ttl`: must be a dur"),
        ("[configstore]\nlisten = \"here\"\n", "drydock.toml:2: `configstore.listen`"),
        ("cluster = \"a/b\"\n", "drydock.toml:1: `cluster`: must be 1 to 64"),
        ("[log]\nlevel = \"a=b=c\"\n", "drydock.toml:2: `log.level`"),
        ("[log]\nformat = \"xml\"\n", "drydock.toml:2: `log.format`"),
        ("cluster = \"x\"\nlog = 3\n", "drydock.toml:2: unknown key `log`"),
        ("cluster = \"x\"\n= 3\n", "drydock.toml:2: "),
        ("a = 1\na = 2\n", "drydock.toml:2: "),
        ("[coordination]\nkind = \"zookeeper\"\n", "drydock.toml:2: `coordination.kind`: unknown"),
        ("[coordination]\nendpoints = [\"etcd:2379\"]\n", "drydock.toml:2: `coordination.endp"),
        ("[coordination]\nendpoints = []\n", "drydock.toml:2: `coordination.endpoints`: names no"),
        ("[coordination]\nkeep_alive_interval = \"1s\"\n", "drydock.toml:2: `coordination.keep_a"),
        (
            "[coordination]\nuser = \"drydock\"\n",
            "drydock.toml:2: `coordination.user` needs `coordination.password`: set \
             `DRYDOCK_COORDINATION_PASSWORD`",
        ),
        (
            "[coordination]\nkey_file = \"key.pem\"\n",
            "drydock.toml:2: `coordination.key_file` needs `coordination.cert_file`",
        ),
        ("[gateway]\nconfigstore = [1]\n", "drydock.toml:2: `gateway.configstore`: invalid type"),
        (
            "[gateway]\nconfigstore = [\"a:0\"]\n",
            "drydock.toml:2: `gateway.configstore`: must be a",
        ),
        (
            "[instance]\nreaders = 4096\n",
            "drydock.toml:2: `instance.readers`: must be at most 1024",
        ),
        (
            "[instance]\nlease_ttl = \"9ms\"\n",
            "drydock.toml:2: `instance.lease_ttl`: must be at le",
        ),
        ("data_dir = \"\"\n", "drydock.toml:1: `data_dir`: must not be empty"),
        ("[objects]\nkind = \"s3\"\n", "drydock.toml:2: `objects.kind = \"s3\"` needs `objects.bu"),
        ("[objects]\nendpoint = \"minio:9000\"\n", "drydock.toml:2: `objects.endpoint`"),
        (
            "[objects]\ncredentials_file = \"f\"\naccess_key = \"a\"\nsecret_key = \"s\"\n",
            "drydock.toml:2: `objects.credentials_file` and `objects.access_key` exclude",
        ),
        (
            "[objects]\naccess_key = \"a\"\n",
            "drydock.toml:2: `objects.access_key` needs `objects.s",
        ),
    ] {
        let error = Case { file: Some(file), ..case() }.load().unwrap_err();
        assert!(error.starts_with(expected), "{file:?}: {error}");
    }
}

#[test]
fn every_number_and_duration_has_bounds() {
    let defaults = case().load().unwrap().values;
    let mut refused = 0;
    for (key, layered) in &defaults {
        let bad: &[&str] = match &layered.value {
            toml::Value::Integer(_) => &["0", "-1", "9223372036854775807"],
            toml::Value::String(text) if text.parse::<jiff::SignedDuration>().is_ok() => {
                &["\"\"", "\"0s\"", "\"-1s\"", "\"1ns\"", "\"999999999999h\""]
            }
            toml::Value::Array(_) => &["[]", "[\"\"]", "[\"http://etcd:0\"]"],
            _ => continue,
        };
        let (table, name) = key.rsplit_once('.').expect("all of these are in tables");
        for value in bad {
            let file = format!("[{table}]\n{name} = {value}\n").leak();
            let error = Case { file: Some(file), ..case() }.load().unwrap_err();
            assert!(error.starts_with(&format!("drydock.toml:2: `{key}`: ")), "{file}{error}");
            assert!(!error.contains("usize") && !error.contains("jiff"), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 80, "{refused}");
}

#[test]
fn a_mistake_elsewhere_names_the_variable_or_the_flag() {
    let env = &[("DRYDOCK_HTTP_MAX_BODY_BYTES", "1 MiB")];
    let error = Case { env, ..case() }.load().unwrap_err();
    assert_eq!(error, "variable `DRYDOCK_HTTP_MAX_BODY_BYTES`: `1 MiB` is not a whole number");
    let flags = vec![("configstore.listen", "here".to_owned())];
    let error = Case { flags, ..case() }.load().unwrap_err();
    assert!(error.starts_with("flag `--configstore-listen`: `configstore.listen`: "), "{error}");
    let missing = Loaded::missing("data_dir").to_string();
    assert!(missing.contains("`--data-dir`") && missing.contains("`DRYDOCK_DATA_DIR`"));
}

const KEYS: &str = "key-1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn instances_on_one_etcd_must_be_given_their_encryption_keys() {
    let file = Some("[coordination]\nkind = \"etcd\"\nendpoints = [\"http://a:1\"]\n");
    let error = Case { file, ..case() }.load().unwrap_err();
    assert!(error.starts_with("drydock.toml:2: "), "{error}");
    assert!(error.contains("`encryption.keys`"), "{error}");
    let env = &[("DRYDOCK_ENCRYPTION_KEYS", KEYS)];
    Case { file, env, ..case() }.load().unwrap();
}

#[test]
fn stores_are_named_by_file_and_environment() {
    let file = Some(
        "[coordination]\nkind = \"etcd\"\nendpoints = [\"http://a:1\"]\n\
         [objects]\nkind = \"s3\"\nbucket = \"b\"\naddressing = \"virtual_host\"\n",
    );
    let env = &[
        ("DRYDOCK_COORDINATION_ENDPOINTS", "http://a:1, https://b:2"),
        ("DRYDOCK_COORDINATION_USER", "drydock"),
        ("DRYDOCK_COORDINATION_PASSWORD", "a-secret-password"),
        ("DRYDOCK_COORDINATION_CALL_TIMEOUT", "1500ms"),
        ("DRYDOCK_ENCRYPTION_KEYS", KEYS),
        ("DRYDOCK_OBJECTS_ACCESS_KEY", "key"),
        ("DRYDOCK_OBJECTS_SECRET_KEY", "a-secret-key"),
    ];
    let loaded = Case { file, env, ..case() }.load().unwrap();
    let etcd = loaded.config.coordination.etcd();
    assert_eq!(etcd.endpoints, ["http://a:1", "https://b:2"]);
    assert_eq!(etcd.call_timeout.as_millis(), 1500);
    let user = etcd.user.unwrap();
    assert_eq!((&*user.name, user.password.expose_secret()), ("drydock", "a-secret-password"));
    let s3 = loaded.config.objects.s3().unwrap();
    assert_eq!((&*s3.bucket, s3.endpoint), ("b", None));
    for shown in [loaded.print(), format!("{:?}", loaded.config)] {
        assert!(!shown.contains("a-secret"), "{shown}");
    }
}

#[test]
fn secrets_are_in_no_print_and_no_error() {
    let file = Some("internal_token = \"0123456789abcdef0\"\n");
    let loaded = Case { file, ..case() }.load().unwrap();
    let token = loaded.config.internal_token.as_ref().unwrap();
    assert_eq!(token.expose_secret(), "0123456789abcdef0");
    let print = loaded.print();
    assert!(print.contains("internal_token = \"(hidden)\" # "), "{print}");
    assert!(print.contains("cluster = \"default\" # default\n"), "{print}");
    for shown in [print, format!("{:?}", loaded.config)] {
        assert!(!shown.contains("0123456789abcdef0"), "{shown}");
    }
    for bad in ["internal_token = 123456789012345678\n", "internal_token = \"secret one\"\n"] {
        let error = Case { file: Some(bad), ..case() }.load().unwrap_err();
        assert!(!error.contains("123456") && !error.contains("secret one"), "{error}");
        assert!(error.starts_with("drydock.toml:1: `internal_token`"), "{error}");
    }
}

#[test]
fn tokens_are_made_once_and_only_for_their_owner() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let env = Env::system();
    assert!(tokens::read(&data).is_err());
    let made = tokens::read_or_create(&data, &env).unwrap();
    assert_ne!(made.internal, made.admin);
    let mode = std::fs::metadata(data.join("tokens.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = tokens::read_or_create(&data, &env).unwrap();
    assert_eq!(again.internal, made.internal);
    std::fs::write(data.join("tokens.json"), r#"{"internal": "a secret"}"#).unwrap();
    let error = tokens::read(&data).err().unwrap().to_string();
    assert!(error.contains("tokens.json") && !error.contains("a secret"), "{error}");
}

#[test]
fn the_examples_of_deployments_are_valid() {
    const KEYS: &str = "key-1:0101010101010101010101010101010101010101010101010101010101010101";
    const SECRETS: &[(&str, &str)] =
        &[("DRYDOCK_OBJECTS_SECRET_KEY", "s"), ("DRYDOCK_ENCRYPTION_KEYS", KEYS)];
    let examples = [
        (include_str!("../../deploy/drydock.toml"), SECRETS),
        (include_str!("../../deploy/single.toml"), &[]),
    ];
    for (text, env) in examples {
        let loaded = Case { file: Some(text), env, ..case() }.load().unwrap();
        assert!(loaded.config.data_dir.is_some(), "{text}");
    }
}

#[test]
fn encryption_keys_are_read_and_never_shown() {
    let mut case = case();
    case.env = &[("DRYDOCK_ENCRYPTION_KEYS", "one:00112233,two:44556677")];
    let error = case.load().unwrap_err();
    assert!(error.contains("`encryption.keys`") && error.contains("`one`"), "{error}");
    assert!(!error.contains("00112233"), "{error}");
    let good = "[encryption]\nkeys = \"one:\
        abababababababababababababababababababababababababababababababab\"\n";
    case.env = &[];
    case.file = Some(good);
    let loaded = case.load().unwrap();
    assert!(loaded.print().contains("encryption.keys = \"(hidden)\""), "{}", loaded.print());
    assert!(!format!("{:?}", loaded.config).contains("abab"));
}

#[test]
fn an_encryption_key_is_made_once_and_kept_from_others() {
    let dir = TempDir::new().unwrap();
    let first = keys::read_or_create(dir.path(), &Env::system()).unwrap();
    let second = keys::read_or_create(dir.path(), &Env::system()).unwrap();
    assert_eq!(first.references(), second.references());
    let elsewhere = TempDir::new().unwrap();
    let other = keys::read_or_create(elsewhere.path(), &Env::system()).unwrap();
    assert!(first.references().is_disjoint(&other.references()), "names are unique, too");
    let file = dir.path().join("encryption.keys");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&file, "key-1:short").unwrap();
    let error = keys::read_or_create(dir.path(), &Env::system()).unwrap_err().to_string();
    assert!(error.contains("encryption.keys") && !error.contains("short"), "{error}");
}
