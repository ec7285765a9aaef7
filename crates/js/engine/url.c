/* A look at URLs as they mostly are: http or https, a plain host name, a path and a query that the URL standard leaves
   as they are written. Of those the parts are pieces of the text, and nobody needs to be asked. Whatever is not plain
   beyond doubt is the host's to parse. */
#include "engine.h"

enum { HOST = 1, PATH = 2, QUERY = 4 };
enum { LONGEST_URL = 4096, LONGEST_HOST = 253 };

/* Which of these places a character may be in. */
#define LETTERS(from, to, in) [from ... to] = in
static const uint8_t places[256] = {
    LETTERS('a', 'z', HOST | PATH | QUERY), LETTERS('0', '9', HOST | PATH | QUERY), LETTERS('A', 'Z', PATH | QUERY),
    ['-'] = HOST | PATH | QUERY, ['.'] = HOST | PATH | QUERY, ['_'] = PATH | QUERY, ['~'] = PATH | QUERY, ['!'] = PATH | QUERY,
    ['$'] = PATH | QUERY, ['&'] = PATH | QUERY, ['('] = PATH | QUERY, [')'] = PATH | QUERY, ['*'] = PATH | QUERY,
    ['+'] = PATH | QUERY, [','] = PATH | QUERY, [';'] = PATH | QUERY, ['='] = PATH | QUERY, [':'] = PATH | QUERY,
    ['@'] = PATH | QUERY, ['/'] = PATH | QUERY, ['?'] = QUERY, ['%'] = QUERY,
};

/* Where a host name from `at` on ends; 0: it is not plain, or might be an address. */
static size_t host_end(const uint8_t *url, size_t at, size_t len)
{
    size_t start = at, label = at;
    for (; at < len && (places[url[at]] & HOST); at++) {
        bool edge = url[at] == '-' || url[at] == '.';
        if (edge && (at == start || url[at - 1] == '-' || url[at - 1] == '.'))
            return 0;
        if (url[at] == '.')
            label = at + 1;
    }
    if (at == start || at - start > LONGEST_HOST || url[at - 1] == '-' || url[at - 1] == '.')
        return 0;
    return url[label] >= '0' && url[label] <= '9' ? 0 : at;
}

/* Where the port from the colon at `at` on ends; 0: it is not plain. */
static size_t port_end(const uint8_t *url, size_t at, size_t len, uint32_t usual)
{
    uint32_t port = 0;
    size_t start = ++at;
    for (; at < len && url[at] >= '0' && url[at] <= '9' && at - start < 5; at++)
        port = port * 10 + (url[at] - '0');
    if (at == start || url[start] == '0' || port > 65535 || port == usual)
        return 0;
    return at;
}

/* Where host and port end, and where the path does, in one number: end of the host + 1024 * end of the path, and 1 << 24
   where there is a port. -1: the URL is not plain. */
int32_t sy_plain_url(const uint8_t *url, size_t len)
{
    size_t at, host, path;
    bool secure, port = false;
    if (len > LONGEST_URL || len < 8 || memcmp(url, "http", 4))
        return -1;
    secure = url[4] == 's';
    at = secure ? 8 : 7;
    if (memcmp(url + 4, "s://" + !secure, at - 4))
        return -1;
    host = host_end(url, at, len);
    if (host && host < len && url[host] == ':') {
        port = true;
        host = port_end(url, host, len, secure ? 443 : 80);
    }
    if (!host || host >= len || url[host] != '/')
        return -1;
    for (path = host; path < len && (places[url[path]] & PATH); path++)
        if (url[path] == '.' && url[path - 1] == '/') /* perhaps a step up or none */
            return -1;
    if (path < len && (url[path] != '?' || path + 1 == len))
        return -1;
    for (at = path; at < len; at++)
        if (!(places[url[at]] & QUERY))
            return -1;
    return (int32_t)(host + 1024 * path + (port ? 1 << 24 : 0));
}
