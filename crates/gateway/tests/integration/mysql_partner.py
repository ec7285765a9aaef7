"""Speaks MySQL's wire protocol (mysql-mimic) over a table in memory, and refuses what a session of ours must
not do. Prints its port, then the settings that each session makes."""

import asyncio
import sqlite3
import sys

from mysql_mimic import ColumnType, MysqlServer, ResultColumn, ResultSet
from mysql_mimic.constants import DEFAULT_SERVER_CAPABILITIES
from mysql_mimic.session import BaseSession
from mysql_mimic.types import Capabilities
from mysql_mimic.variables import GlobalVariables, SessionVariables

VERSION = sys.argv[1]
TABLE = sqlite3.connect(":memory:")
TABLE.executescript(
    """CREATE TABLE tenants (hostname TEXT PRIMARY KEY, ns TEXT, script TEXT, cpu INTEGER, args TEXT);
       INSERT INTO tenants VALUES ('a.example', 'ns', 'one', 50, '{"customer": "c-1"}'),
           ('b.example', 'ns', 'one', NULL, NULL), ('odd.example', 'ns', 'one', -1, NULL);"""
)
TYPES = {"cpu_ms": ColumnType.LONGLONG}


class Session(BaseSession):
    def __init__(self):
        self.variables = SessionVariables(GlobalVariables())
        self.username = self.database = None

    async def handle_query(self, sql, attrs):
        words = sql.strip().split()
        if words[0].upper() == "SET":
            print(sql, flush=True)
            return None
        if "VERSION()" in sql:
            return ResultSet([(VERSION,)], [ResultColumn("VERSION()", ColumnType.VARCHAR)])
        cursor = TABLE.execute(sql)
        names = [column[0] for column in cursor.description]
        return ResultSet(cursor.fetchall(), [ResultColumn(n, TYPES.get(n, ColumnType.VARCHAR)) for n in names])


async def main():
    # It always ends the parameters of a prepared statement with an EOF packet, so it must not offer to leave them out.
    capabilities = DEFAULT_SERVER_CAPABILITIES & ~Capabilities.CLIENT_DEPRECATE_EOF
    server = MysqlServer(session_factory=Session, capabilities=capabilities)
    await server.start_server(host="127.0.0.1", port=0)
    print(server.sockets()[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
