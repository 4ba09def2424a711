"""How a program in Python is tested with `fake-etcd` and `fake-s3`.

    cargo build --workspace --bins
    python3 -m venv target/python
    target/python/bin/pip install boto3 etcd3 'protobuf<3.21'
    target/python/bin/python -m unittest discover -v sim/control/python

`FAKES` names the folder of the two programs, if it is not `target/debug`.
"""

import json
import os
import pathlib
import subprocess
import unittest
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import etcd3
import grpc
from etcd3.etcdrpc import rpc_pb2

ROOT = pathlib.Path(__file__).parents[3]
FOLDER = pathlib.Path(os.environ.get("FAKES", ROOT / "target/debug"))


class Fake:
    """One of the two, as a process with ports of its own."""

    def __init__(self, name, *args):
        command = [FOLDER / name, "serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        self.process = subprocess.Popen([*command, *args], stdout=subprocess.PIPE, text=True)
        ports = json.loads(self.process.stdout.readline())
        self.address = ports["listening"][0]
        self.control = ports["control"]

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        url = f"http://{self.control}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
            return json.load(answer)

    def fault(self, **rule):
        return self.ask("POST", "/faults", rule)["id"]

    def do(self, action, **fields):
        return self.ask("POST", f"/{action}", fields)

    def struck(self):
        return [rule["struck"] for rule in self.ask("GET", "/faults")]

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class WithEtcd(unittest.TestCase):
    def setUp(self):
        self.fake = Fake("fake-etcd")
        self.addCleanup(self.fake.end)
        host, port = self.fake.address.split(":")
        self.client = etcd3.client(host=host, port=int(port), timeout=5)
        self.addCleanup(self.client.close)

    def count(self, key, absent):
        """Counts up what is written at a key, as programs do that know of lost answers."""
        while True:
            value, meta = self.client.get(key)
            number = int(value or absent)
            there = self.client.transactions.version(key) == (meta.version if meta else 0)
            put = self.client.transactions.put(key, str(number + 1))
            try:
                if self.client.transaction(compare=[there], success=[put], failure=[])[0]:
                    return
            except (etcd3.exceptions.ConnectionFailedError, grpc.RpcError):
                # It took effect, or it did not: only a look at the key tells.
                value, _ = self.client.get(key)
                if int(value or absent) > number:
                    return

    def test_a_lost_answer_is_not_done_twice(self):
        fail = {"kind": "fail", "error": "timed_out"}
        self.fault_once({**fail, "applied": True})
        self.count("n", absent=0)
        self.fault_once({**fail, "applied": False})
        self.count("n", absent=0)
        self.assertEqual(self.client.get("n")[0], b"2")
        self.assertEqual(self.fake.struck(), [1, 1])

    def fault_once(self, fault):
        self.fake.fault(methods=["txn"], count=1, fault=fault)

    def test_a_full_disk_takes_no_writes_and_says_so(self):
        self.fake.do("no-space", on=True)
        request = rpc_pb2.PutRequest(key=b"a", value=b"1")
        with self.assertRaises(grpc.RpcError) as refused:
            self.client.kvstub.Put(request, timeout=5)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        with self.assertRaises(urllib.error.HTTPError) as sick:
            urllib.request.urlopen(f"http://{self.fake.address}/health")
        with sick.exception as answer:
            self.assertEqual(json.load(answer)["reason"], "ALARM NOSPACE")
        self.fake.do("no-space", on=False)
        self.client.put("a", "1")


class WithS3(unittest.TestCase):
    def setUp(self):
        self.fake = Fake("fake-s3", "--bucket", "things")
        self.addCleanup(self.fake.end)
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://{self.fake.address}",
            aws_access_key_id="fake",
            aws_secret_access_key="fake-secret",
            region_name="us-east-1",
            config=botocore.config.Config(retries={"max_attempts": 3, "mode": "standard"}),
        )
        self.addCleanup(self.client.close)

    def test_a_throttled_upload_is_tried_again(self):
        self.fake.fault(methods=["PutObject"], count=2, fault={"kind": "throttle"})
        self.client.put_object(Bucket="things", Key="a", Body=b"content")
        self.assertEqual(self.fake.struck(), [2])
        answer = self.client.get_object(Bucket="things", Key="a")
        self.assertEqual(answer["Body"].read(), b"content")

    def test_a_truncated_object_is_not_taken_for_a_whole_one(self):
        self.client.put_object(Bucket="things", Key="a", Body=b"content")
        truncate = {"kind": "truncate", "bytes": 3}
        self.fake.fault(methods=["GetObject"], key_prefix="a", count=1, fault=truncate)
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.client.get_object(Bucket="things", Key="a")["Body"].read()
        answer = self.client.get_object(Bucket="things", Key="a")
        self.assertEqual(answer["Body"].read(), b"content")

    def test_a_listing_that_lags(self):
        self.fake.do("listing-lag", ms=3_600_000)
        self.client.put_object(Bucket="things", Key="a", Body=b"content")
        self.assertEqual(self.client.list_objects_v2(Bucket="things")["KeyCount"], 0)
        self.client.head_object(Bucket="things", Key="a")
        self.fake.do("listing-lag", ms=0)
        self.assertEqual(self.client.list_objects_v2(Bucket="things")["KeyCount"], 1)

    def test_what_the_fake_does_not_understand_is_refused(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.fake.fault(fault={"kind": "throttle", "per_second": 5})
        with refused.exception as answer:
            self.assertIn("unknown field `per_second`", json.load(answer)["error"])


if __name__ == "__main__":
    unittest.main()
