# A SOAP server made with spyne (Debian: python3-spyne), for tests: orders_soap.py 1.1|1.2. Its port is the first line that it prints.
import sys
from wsgiref.simple_server import make_server, WSGIRequestHandler
from spyne import Application, rpc, ServiceBase, Integer, Unicode, ComplexModel, Array, Fault
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

class Order(ComplexModel):
    __namespace__ = "urn:orders"
    id = Integer
    product = Unicode

class Orders(ServiceBase):
    @rpc(Integer, Unicode, _returns=Unicode)
    def greet(ctx, times, name):
        return ", ".join(["Hello %s" % name] * times)
    @rpc(Integer, _returns=Array(Order))
    def orders(ctx, count):
        return [Order(id=i, product="<%d>" % i) for i in range(count)]
    @rpc(Unicode)
    def refuse(ctx, why):
        raise Fault("Client.Late", why, detail={"due": "yesterday"})

version = {"1.1": Soap11, "1.2": Soap12}[sys.argv[1]]
app = Application([Orders], "urn:orders", in_protocol=version(validator="lxml"), out_protocol=version())
server = make_server("127.0.0.1", 0, WsgiApplication(app))
print(server.server_port, flush=True)
server.serve_forever()
