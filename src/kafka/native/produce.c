/*
 * A batch of packed records to librdkafka in one call from JavaScript: rd_kafka_produceva for each, which copies everything. And the
 * partitioner: which partition records without a key go to.
 *
 * Compiled by the C compiler inside Bun (compiled.ts), which has no headers of librdkafka: what is used of them stands here, and
 * test/kafka/structs.test.ts holds it against rdkafka.h. records.ts packs, and says how.
 */
typedef unsigned char u8;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

/* rd_kafka_vtype_t */
enum { VTYPE_RKT = 2, VTYPE_VALUE = 4, VTYPE_KEY = 5, VTYPE_OPAQUE = 6, VTYPE_MSGFLAGS = 7, VTYPE_TIMESTAMP = 8, VTYPE_HEADER = 9 };

/* RD_KAFKA_MSG_F_COPY; and our own (scripts/librdkafka.ts): more records for the same partition follow at once */
enum { MSG_F_COPY = 0x2, MSG_F_MORE = 0x1000 };

/* rd_kafka_vu_t, of whose union this is what is used */
struct vu {
  i32 vtype;
  union {
    void *ptr;
    i32 i;
    i64 i64;
    struct { const void *ptr; u64 size; } mem;
    struct { const char *name; const void *val; i64 size; } header;
    u8 size[64];
  } u;
};

/* The functions of the librdkafka that is open, in the order of PRODUCE_FUNCTIONS in compiled.ts */
struct functions {
  void *(*produceva)(void *rk, const struct vu *vus, u64 cnt);
  i32 (*error_code)(const void *error);
  void (*error_destroy)(void *error);
  i32 (*flush)(void *rk, i32 timeout_ms);
};

enum { NONE = 0xffffffff };

/*
 * A turn's share of 2^32: 2^32 divided by the golden ratio. However many turns there were, they are spread evenly, and a sender whose
 * batches come large and small by turns does not meet the same partitions with the same sizes again and again, as counting up would.
 */
static const u32 STEP = 0x9e3779b9u;

/* Whose turn it is among a topic's partitions, as a fraction of 2^32 of them, in the order that turns.ts writes it */
struct turns {
  i32 (*is_available)(const void *rkt, i32 partition);
  i32 (*by_key)(const void *rkt, const void *key, u64 length, i32 count, void *opaque, void *msg_opaque);
  volatile u32 turn;
  /* The last batch that advanced it */
  u32 batch;
  /* The last record without a key of this call */
  u32 last;
  /* Which partition has this turn, and that plus one; 0: none yet */
  volatile u32 chosen_turn, chosen;
};

/*
 * What librdkafka asks for each record of such a topic. Records without a key take the partition whose turn it is, or the next one that
 * has a leader. Called in sluice_produce, and by librdkafka's own thread for records that waited until the topic was known: no partition
 * has a broker then, as librdkafka sees it, and so they all go to the one.
 */
static i32 partition_of(const void *rkt, const void *key, u64 length, i32 count, void *opaque, void *msg_opaque) {
  struct turns *turns = opaque;
  if (key) return turns->by_key(rkt, key, length, count, 0, msg_opaque);
  /* Once a turn: what leaves together must go to one partition, whatever becomes of its leader meanwhile. The turn is read once, so that
     a thread that comes late with its choice does not pass it off as one for the next turn. */
  const u32 turn = turns->turn, chosen = turns->chosen;
  if (chosen > 0 && chosen <= (u32)count && turns->chosen_turn == turn) return (i32)(chosen - 1);
  const u32 first = (u32)(((u64)turn * (u32)count) >> 32);
  for (u32 i = 0; i < (u32)count; i++) {
    const i32 partition = (i32)((first + i) % (u32)count);
    if (!turns->is_available(rkt, partition)) continue;
    turns->chosen_turn = turn;
    turns->chosen = (u32)partition + 1;
    return partition;
  }
  return (i32)first;
}

void *sluice_partitioner(void) { return partition_of; }

static void memory(struct vu *vu, i32 vtype, const u8 **bytes, u32 length) {
  vu->vtype = vtype;
  vu->u.mem.ptr = *bytes;
  vu->u.mem.size = length;
  *bytes += length;
}

/*
 * `words`: for each record, the index of its topic, its slot, the lengths of its value and its key (NONE: it has none), the lower and
 * upper half of its timestamp (both 0: now), the number of its headers; then for each header the index of its name (NONE: the name,
 * NUL-terminated, comes first among the bytes), the length of that name with its NUL (0 where it has an index), the length of its value.
 * `turns`: for each topic, where records without a key have got to; `batch`: the number of this call.
 * `bytes`: value, key, header values, end to end. `vus`: room for 6 and as many as the record with the most headers has.
 * `codes` gets a record's error code, or 0. Returns how many were not taken.
 */
u32 sluice_produce(void *rk, const struct functions *rd, void **topics, struct turns **turns, u32 batch, const char **names,
                   const u32 *words, const u8 *bytes, u32 count, struct vu *vus, i32 *codes) {
  u32 refused = 0;
  const u32 *ahead = words;
  for (u32 record = 0; record < count; record++, ahead += 7 + 3 * ahead[6])
    if (ahead[3] == NONE && turns[ahead[0]]) turns[ahead[0]]->last = record;
  for (u32 record = 0; record < count; record++) {
    const u32 topic = words[0], slot = words[1], value = words[2], key = words[3], headers = words[6];
    const i64 timestamp = (i64)((u64)words[4] | ((u64)words[5] << 32));
    const i32 in_turn = key == NONE && turns[topic];
    u64 n = 3;
    words += 7;
    if (in_turn && turns[topic]->batch != batch) {
      turns[topic]->batch = batch;
      turns[topic]->turn += STEP;
    }
    vus[0].vtype = VTYPE_RKT;
    vus[0].u.ptr = topics[topic];
    vus[1].vtype = VTYPE_MSGFLAGS;
    vus[1].u.i = in_turn && turns[topic]->last != record ? MSG_F_COPY | MSG_F_MORE : MSG_F_COPY;
    vus[2].vtype = VTYPE_OPAQUE;
    vus[2].u.ptr = (void *)(u64)slot;
    if (value != NONE) memory(&vus[n++], VTYPE_VALUE, &bytes, value);
    if (key != NONE) memory(&vus[n++], VTYPE_KEY, &bytes, key);
    if (timestamp != 0) {
      vus[n].vtype = VTYPE_TIMESTAMP;
      vus[n++].u.i64 = timestamp;
    }
    for (u32 header = 0; header < headers; header++, words += 3, n++) {
      vus[n].vtype = VTYPE_HEADER;
      vus[n].u.header.name = words[0] == NONE ? (const char *)bytes : names[words[0]];
      bytes += words[1];
      vus[n].u.header.val = bytes;
      vus[n].u.header.size = words[2];
      bytes += words[2];
    }
    void *error = rd->produceva(rk, vus, n);
    codes[record] = error ? rd->error_code(error) : 0;
    if (error) {
      rd->error_destroy(error);
      refused++;
      /* Those before it were told that more follow: nobody else wakes librdkafka's thread for them. */
      if (in_turn && turns[topic]->last == record) rd->flush(rk, 0);
    }
  }
  return refused;
}
