"""Calls a SOAP channel by zeep, and prints what came back, a line of JSON for each call.

Usage: soap_client.py URL-OF-THE-SERVER
"""
import datetime
import decimal
import json
import sys

import zeep
from lxml import etree
from zeep.exceptions import Fault
from zeep.helpers import serialize_object
from zeep.plugins import HistoryPlugin
from zeep.wsse.username import UsernameToken

BASE = sys.argv[1]
NO = {"cust_id": 404, "name": "nobody"}


def plain(value):
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return "decimal " + str(value)
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(type(value))


class Schema:
    """Holds the messages of a client against the XML Schema in its WSDL, by libxml2."""

    def __init__(self, url, history):
        self.history = history
        wsdl = etree.fromstring(zeep.Transport().load(url))
        schema = wsdl.find(".//{http://www.w3.org/2001/XMLSchema}schema")
        self.schema = etree.XMLSchema(etree.fromstring(etree.tostring(schema)))

    def check(self):
        for message in (self.history.last_sent, self.history.last_received):
            body = message["envelope"].find("{*}Body") if message["envelope"] is not None else None
            if body is not None and not body[0].tag.endswith("Fault"):
                self.schema.assertValid(etree.fromstring(etree.tostring(body[0])))


def say(what, call):
    try:
        got = serialize_object(call(), dict)
    except Fault as fault:
        got = {"fault": fault.code, "message": fault.message}
    print(json.dumps([what, got], default=plain, sort_keys=True))


def ports(client, name):
    return [(version, client.bind(name, name + version)) for version in ("Soap11", "Soap12")]


history = HistoryPlugin()
schema = Schema(BASE + "/soap/bank?wsdl", history)
for version, bank in ports(zeep.Client(BASE + "/soap/bank?wsdl", plugins=[history]), "Bank"):
    say(version + " everything", lambda: bank.GetClient(
        cust_id=1, name="Ana & <Co> é", born=datetime.date(1980, 1, 2), seen=datetime.datetime(2026, 11, 21, 9, 30),
        balance=decimal.Decimal("12345678901234567890.12"), is_vip=True, rate=0.25,
        lines=[{"product": "A", "count": 2, "due": datetime.date(2026, 1, 1)}, {"product": "B", "count": 3}],
        tags=["x", "y"], labels={"item": [{"key": "k k", "value": "v"}]}))
    schema.check()
    say(version + " the least", lambda: bank.GetClient(cust_id=1, name=""))
    schema.check()
    say(version + " not found", lambda: bank.GetClient(**NO))
    say(version + " wrong", lambda: bank.GetClient(cust_id=1, name="x", lines=[{"product": "A", "count": 0}]))
    say(version + " no output", lambda: bank.Note(text="hello"))
    schema.check()
    say(version + " a list", lambda: bank.ListClients())
    schema.check()
    say(version + " one way", lambda: bank.Log(text="hello"))
    say(version + " odd", lambda: bank.Odd(request={
        "id": "6BA7B810-9dad-11d1-80b4-00c04fd430c8", "values": "a, b", "more": zeep.xsd.AnyObject(zeep.xsd.String(), "m"),
        "list": [zeep.xsd.AnyObject(zeep.xsd.String(), n) for n in "12"], "day": "21.11.2026"}))
    schema.check()
    text = zeep.xsd.Element("{urn:example:bank}text", zeep.xsd.String())
    say(version + " free", lambda: [e.text for e in bank.Free(_value_1=[
        zeep.xsd.AnyObject(text, "a"), zeep.xsd.AnyObject(zeep.xsd.Element("{urn:example:bank}more", zeep.xsd.String()), "b")])])
    schema.check()

for kind in ("Text", "Digest"):
    for password in ("s3cret & more", "wrong"):
        token = UsernameToken("joe", password, use_digest=kind == "Digest")
        client = zeep.Client(BASE + "/soap/" + kind.lower() + "?wsdl", wsse=token)
        for version, port in ports(client, kind):
            say(kind + " " + version + " " + password, lambda: port.Note(text="hello"))

for version, port in ports(zeep.Client(BASE + "/soap/digest?wsdl"), "Digest"):
    say("Nothing " + version, lambda: port.Note(text="hello"))
