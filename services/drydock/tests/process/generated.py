"""Uses the clients that were generated beside it: configstore, gateway and runservice."""

import importlib
import io
import pathlib
import sys

sys.path.insert(0, ".")

from configstore import AuthenticatedClient
from configstore.api.export import get_export
from configstore.api.import_ import post_import
from configstore.api.maintenance import delete_maintenance, put_maintenance
from configstore.api.orgs import post_orgs
from configstore.api.users import delete_users_user, get_users, get_users_user, post_users
from configstore.models import Error, ImportReport, NewOrg, NewUser, SwitchOn, User
from configstore.models import Visibility
from configstore.types import File
from gateway import AuthenticatedClient as GatewayClient
from gateway.api.import_ import post_import_configstore
from gateway.api.users import get_users as get_users_of_gateway


def every_module_can_be_imported():
    for package in ["configstore", "gateway", "runservice"]:
        for file in pathlib.Path(package).rglob("*.py"):
            module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
            importlib.import_module(module)


def names(client):
    return [user.name for user in get_users.sync(client=client).items]


every_module_can_be_imported()
configstore, internal, gateway, admin = sys.argv[1:]
client = AuthenticatedClient(base_url=configstore, token=internal)

created = post_users.sync_detailed(client=client, body=NewUser(name="alice"))
assert created.status_code == 201, created
assert isinstance(created.parsed, User) and created.parsed.name == "alice", created
taken = post_users.sync(client=client, body=NewUser(name="alice"))
assert isinstance(taken, Error) and taken.code == "user_already_exists", taken
new = NewOrg(name="acme", visibility=Visibility.PRIVATE, owner="alice")
assert post_orgs.sync_detailed(client=client, body=new).status_code == 201
assert get_users_user.sync("alice", client=client).name == "alice"
missing = get_users_user.sync_detailed("bob", client=client)
assert missing.status_code == 404 and missing.parsed.code == "user_not_exist", missing

export = get_export.sync_detailed(client=client).content
assert export.startswith(b'{"header":'), export
post_users.sync(client=client, body=NewUser(name="carol"))
assert names(client) == ["alice", "carol"]
begun = put_maintenance.sync_detailed(client=client, body=SwitchOn(), wait="30s")
assert begun.status_code == 200, begun
imported = post_import.sync_detailed(client=client, body=File(payload=io.BytesIO(export)))
assert imported.status_code == 200, imported
assert isinstance(imported.parsed, ImportReport), imported
assert delete_maintenance.sync_detailed(client=client, wait="30s").status_code == 204
assert names(client) == ["alice"]

face = GatewayClient(base_url=gateway, token=admin)
assert [user.name for user in get_users_of_gateway.sync(client=face).items] == ["alice"]
refused = post_import_configstore.sync_detailed(client=face, body=File(payload=io.BytesIO(export)))
assert refused.status_code == 409 and refused.parsed.code == "not_in_maintenance", refused

deleted = delete_users_user.sync_detailed("alice", client=client)
assert deleted.status_code == 409 and deleted.parsed.code == "last_owner", deleted
print("everything was there")
