/* One SenML pack in CBOR, and one cmd/ack read back. C99, no heap, no floating point. Explained in docs/firmware.md.
 *
 *   cc -std=c99 -Wall -Wextra -pedantic -o pack docs/firmware/pack.c
 *   ./pack                         prints the pack of docs/firmware.md in hex
 *   ./pack '{"epoch":7,"seq":41}'  prints what this acknowledges
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct pack {
    uint8_t *at, *end;
    bool full; /* something did not fit: do not send */
};

static void put(struct pack *p, const void *bytes, size_t size)
{
    if ((size_t)(p->end - p->at) < size) {
        p->full = true;
        return;
    }
    memcpy(p->at, bytes, size);
    p->at += size;
}

/* The head of a CBOR item: major type 0 to 7 and a number in the shortest of its forms (RFC 8949 section 3). */
static void head(struct pack *p, unsigned major, uint32_t n)
{
    uint8_t bytes[5] = {(uint8_t)(major << 5 | 26), (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    size_t size = n < 24 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : 4;

    bytes[4 - size] = (uint8_t)(major << 5 | (size == 0 ? n : size == 1 ? 24 : size == 2 ? 25 : 26));
    put(p, bytes + 4 - size, size + 1);
}

static void integer(struct pack *p, int32_t n)
{
    if (n < 0)
        head(p, 1, (uint32_t)(-1 - n));
    else
        head(p, 0, (uint32_t)n);
}

static void text(struct pack *p, const char *s)
{
    head(p, 3, (uint32_t)strlen(s));
    put(p, s, strlen(s));
}

/* Labels of SenML in CBOR (RFC 8428 section 6). */
enum { BASE_NAME = -2, BASE_TIME = -3, NAME = 0, UNIT = 1, VALUE = 2 };

static void number_record(struct pack *p, unsigned pairs, const char *name, uint32_t n)
{
    head(p, 5, pairs);
    integer(p, NAME);
    text(p, name);
    integer(p, VALUE);
    head(p, 0, n);
}

/* Begins a pack of `values` values, all measured at `unix_s`. */
void pack_begin(struct pack *p, uint8_t *buffer, size_t size, const char *device, uint32_t unix_s, uint32_t epoch,
                uint32_t seq, unsigned values)
{
    size_t name = strlen(device);

    p->at = buffer;
    p->end = buffer + size;
    p->full = false;
    head(p, 4, values + 2);
    head(p, 5, 4);
    integer(p, BASE_NAME);
    head(p, 3, (uint32_t)(name + 9)); /* urn:dev: before it, a colon after it */
    put(p, "urn:dev:", 8);
    put(p, device, name);
    put(p, ":", 1);
    integer(p, BASE_TIME);
    head(p, 0, unix_s);
    integer(p, NAME);
    text(p, "epoch");
    integer(p, VALUE);
    head(p, 0, epoch);
    number_record(p, 2, "seq", seq);
}

/* value = mantissa * 10^exponent, so that 36.8 is (368, -1). `unit` NULL leaves it out, which temp and wt must not. */
void pack_value(struct pack *p, const char *name, const char *unit, int32_t mantissa, int exponent)
{
    head(p, 5, unit == NULL ? 2 : 3);
    integer(p, NAME);
    text(p, name);
    if (unit != NULL) {
        integer(p, UNIT);
        text(p, unit);
    }
    integer(p, VALUE);
    if (exponent != 0) {
        head(p, 6, 4); /* tag 4: decimal fraction */
        head(p, 4, 2);
        integer(p, exponent);
    }
    integer(p, mantissa);
}

static bool member(const char *json, const char *name, uint32_t *found)
{
    const char *s = strstr(json, name);
    uint64_t n = 0;
    bool any = false;

    if (s == NULL)
        return false;
    for (s += strlen(name); *s == ' '; s++)
        ;
    for (; *s >= '0' && *s <= '9'; s++, any = true) {
        n = n * 10 + (uint64_t)(*s - '0');
        if (n > UINT32_MAX)
            return false;
    }
    *found = (uint32_t)n;
    return any;
}

/* Reads cmd/ack, ended by a zero byte. False: it is none, keep every pack. Else delete packs of `epoch` up to `seq`. */
bool ack_read(const char *json, uint32_t *epoch, uint32_t *seq)
{
    return member(json, "\"epoch\":", epoch) && member(json, "\"seq\":", seq);
}

int main(int argc, char **argv)
{
    uint8_t buffer[256];
    struct pack p;
    uint32_t epoch, seq;

    if (argc > 1) {
        if (ack_read(argv[1], &epoch, &seq))
            printf("epoch %lu up to seq %lu\n", (unsigned long)epoch, (unsigned long)seq);
        else
            printf("no acknowledgement\n");
        return 0;
    }
    pack_begin(&p, buffer, sizeof buffer, "w-0a1b2c3d", 1767225600, 7, 4711, 6);
    pack_value(&p, "hr", NULL, 72, 0);
    pack_value(&p, "spo2", NULL, 97, 0);
    pack_value(&p, "rr", NULL, 16, 0);
    pack_value(&p, "sbp", NULL, 121, 0);
    pack_value(&p, "dbp", NULL, 78, 0);
    pack_value(&p, "temp", "Cel", 368, -1);
    if (p.full)
        return 1;
    for (const uint8_t *b = buffer; b < p.at; b++)
        printf("%02x", *b);
    printf("\n");
    return 0;
}
