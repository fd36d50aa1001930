/*
 * What is done to a batch of consumed records a call, and not a record a call: finding those that stand for errors, printing the
 * rest, giving them back. librdkafka's functions are handed over by address (compiled.ts); batch.ts and printer.ts call.
 *
 * What is used of rdkafka.h stands here, since the C compiler inside Bun has no headers; test/kafka/structs.test.ts holds it against them.
 */
typedef unsigned char u8;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

/* rd_kafka_message_t */
struct message {
  i32 err;
  void *rkt;
  i32 partition;
  const u8 *payload;
  u64 len;
  const u8 *key;
  u64 key_len;
  i64 offset;
  void *_private;
};

/* In the order of CONSUME_FUNCTIONS in compiled.ts */
struct functions {
  void (*message_destroy)(struct message *message);
  i64 (*message_timestamp)(const struct message *message, i32 *type);
  i32 (*message_headers)(const struct message *message, void **headers);
  i32 (*header_get_last)(const void *headers, const char *name, const u8 **value, u64 *size);
  i32 (*message_detach_headers)(struct message *message, void **headers);
  void (*headers_destroy)(void *headers);
  void *(*memcpy)(void *target, const void *source, u64 length);
};

/* The index of the first message that stands for an error; `count` where there is none. */
u32 sluice_first_error(struct message **messages, u32 count) {
  u32 i = 0;
  while (i < count && messages[i]->err == 0) i++;
  return i;
}

void sluice_release(const struct functions *rd, struct message **messages, u32 count) {
  for (u32 i = 0; i < count; i++) rd->message_destroy(messages[i]);
}

enum { PARTITION, OFFSET, TIMESTAMP, HEADER, NO_HEADER, AFTER_HEADER, KEY, NO_KEY, AFTER_KEY, VALUE, NO_VALUE, END, TEXTS };

/* What stands before each field, instead of one that is missing, or behind it. */
struct text {
  const u8 *bytes;
  u64 length;
};

/* Up to where a record was printed, and where its value stands, in bytes from `out`; `value` is NONE where it has none. printer.ts reads it. */
struct printed {
  u32 end, value, value_end;
  i32 partition;
  i64 offset;
};

enum { NONE = 0xffffffff, DIGITS_MAX = 20 };

static u8 *put(const struct functions *rd, u8 *at, const struct text *text) {
  rd->memcpy(at, text->bytes, text->length);
  return at + text->length;
}

static u8 *put_number(u8 *at, u64 value) {
  u8 digits[DIGITS_MAX];
  u32 first = DIGITS_MAX;
  /* By nine digits, since dividing 32 bits is faster. */
  while (value >= 1000000000) {
    u32 low = (u32)(value % 1000000000);
    value = value / 1000000000;
    for (u32 i = 0; i < 9; i++, low = low / 10) digits[--first] = (u8)('0' + low % 10);
  }
  for (u32 rest = (u32)value; first == DIGITS_MAX || rest > 0; rest = rest / 10) digits[--first] = (u8)('0' + rest % 10);
  while (first < DIGITS_MAX) *at++ = digits[first++];
  return at;
}

/* Whether all of it is ASCII that stands for itself between quotes: no control, quote or backslash. Eight bytes at a time. */
static i32 is_plain(const u8 *at, u64 length) {
  const u64 ones = 0x0101010101010101ULL, high = 0x8080808080808080ULL;
  for (; length >= 8; at += 8, length -= 8) {
    const u64 word = *(const u64 *)at;
    const u64 quote = word ^ 0x2222222222222222ULL, backslash = word ^ 0x5c5c5c5c5c5c5c5cULL;
    /* A byte that is smaller than what is taken from it has its high bit set then; what it borrows changes nothing: not plain it is. */
    if ((word | (word - 0x2020202020202020ULL) | (quote - ones) | (backslash - ones)) & high) return 0;
  }
  for (; length > 0; at++, length--)
    if (*at < 0x20 || *at >= 0x80 || *at == '"' || *at == '\\') return 0;
  return 1;
}

/* The value of the last header of that name; 0 where there is none. */
static const u8 *find_header(const struct functions *rd, struct message *message, const char *name, u64 *size) {
  const u8 *value = 0;
  void *headers = 0;
  if (rd->message_headers(message, &headers) != 0 || rd->header_get_last(headers, name, &value, size) != 0) return 0;
  return value;
}

/*
 * Prints messages[first] and those behind it, up to `end`, to `out`. Stops before one whose printing is not this simple (a header or
 * key that would need escapes, a timestamp below 0) and where `room` may not do. Returns the index of the first that is not printed.
 */
u32 sluice_print(const struct functions *rd, struct message **messages, u32 first, u32 end, const char *header,
                 const struct text *texts, u8 *out, u32 room, struct printed *printed) {
  u64 fixed = 3 * DIGITS_MAX;
  for (u32 i = 0; i < TEXTS; i++) fixed += texts[i].length;
  u8 *at = out;
  i64 last_timestamp = -1;
  const u8 *timestamp_digits = 0;
  u64 timestamp_length = 0;
  for (; first < end; first++, printed++) {
    struct message *message = messages[first];
    void *headers = 0;
    u64 header_size = 0;
    const u8 *value = find_header(rd, message, header, &header_size);
    const u64 key_size = message->key ? message->key_len : 0, value_size = message->payload ? message->len : 0;
    const i64 timestamp = rd->message_timestamp(message, 0);
    if (timestamp < 0 || message->offset < 0 || fixed + header_size + key_size + value_size > room - (u64)(at - out)) return first;
    if (value && !is_plain(value, header_size)) return first;
    if (message->key && !is_plain(message->key, key_size)) return first;

    printed->partition = message->partition;
    printed->offset = message->offset;
    at = put_number(put(rd, at, &texts[PARTITION]), (u32)message->partition);
    at = put_number(put(rd, at, &texts[OFFSET]), (u64)message->offset);
    at = put(rd, at, &texts[TIMESTAMP]);
    if (timestamp == last_timestamp) {
      rd->memcpy(at, timestamp_digits, timestamp_length);
      at += timestamp_length;
    } else {
      timestamp_digits = at;
      at = put_number(at, (u64)timestamp);
      timestamp_length = (u64)(at - timestamp_digits);
      last_timestamp = timestamp;
    }
    if (value) {
      at = put(rd, at, &texts[HEADER]);
      rd->memcpy(at, value, header_size);
      at = put(rd, at + header_size, &texts[AFTER_HEADER]);
    } else at = put(rd, at, &texts[NO_HEADER]);
    /* Nobody needs them again, most of the time, and memory that is given back at once is at hand for the next record's. */
    if (rd->message_detach_headers(message, &headers) == 0) rd->headers_destroy(headers);
    if (message->key) {
      at = put(rd, at, &texts[KEY]);
      rd->memcpy(at, message->key, key_size);
      at = put(rd, at + key_size, &texts[AFTER_KEY]);
    } else at = put(rd, at, &texts[NO_KEY]);
    printed->value = NONE;
    if (message->payload) {
      at = put(rd, at, &texts[VALUE]);
      printed->value = (u32)(at - out);
      rd->memcpy(at, message->payload, value_size);
      at += value_size;
      printed->value_end = (u32)(at - out);
    } else at = put(rd, at, &texts[NO_VALUE]);
    at = put(rd, at, &texts[END]);
    printed->end = (u32)(at - out);
  }
  return first;
}
