/* The upstream of gateway.py: answers with the bytes of its files, as fast as one core can.
 *
 * stub PORT CHAT STREAM MODELS PAUSE_MS
 *
 * POST /v1/chat/completions gives CHAT, or, if the body asks to stream, the events of STREAM: each
 * in a write of its own, PAUSE_MS apart, so that a gateway receives them one by one.
 * GET /v1/models gives MODELS, GET /count how many chats were asked for; anything else is a 404.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, EVENTS = 10000, READY = 256, ROOM = 1 << 20 };

typedef struct {
    char *bytes;
    size_t length;
} Text;

typedef struct {
    char *in; /* what has been received and not answered, with room for a NUL */
    size_t used;
    bool open, streaming;
    int next_event;
    double due_ms;
} Connection;

static Connection connections[CONNECTIONS];
static Text chat, models, missing, stream_head, events[EVENTS];
static int event_count, streaming_count, highest;
static long chat_count;
static double pause_ms;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static Text file(const char *path) {
    FILE *source = fopen(path, "rb");
    if (!source) die(path);
    Text text = {malloc(ROOM + 1), 0};
    text.length = fread(text.bytes, 1, ROOM, source);
    text.bytes[text.length] = 0;
    fclose(source);
    return text;
}

static Text joined(const char *head, size_t head_length, const char *body, size_t length,
                   const char *tail) {
    size_t tail_length = strlen(tail);
    Text text = {malloc(head_length + length + tail_length), head_length + length + tail_length};
    memcpy(text.bytes, head, head_length);
    memcpy(text.bytes + head_length, body, length);
    memcpy(text.bytes + head_length + length, tail, tail_length);
    return text;
}

static Text response(const char *status, Text body) {
    char head[256];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %s\r\ncontent-type: application/json\r\n"
                          "content-length: %zu\r\n\r\n",
                          status, body.length);
    return joined(head, length, body.bytes, body.length, "");
}

/* Each event becomes a chunk of the transfer coding; the last one ends the body. */
static void cut_events(Text stream) {
    const char *start = stream.bytes, *end = stream.bytes + stream.length;
    while (start < end && event_count < EVENTS) {
        const char *blank = memmem(start, end - start, "\n\n", 2);
        size_t length = (blank ? blank + 2 : end) - start;
        char head[32];
        int head_length = snprintf(head, sizeof head, "%zx\r\n", length);
        const char *tail = start + length < end ? "\r\n" : "\r\n0\r\n\r\n";
        events[event_count++] = joined(head, head_length, start, length, tail);
        start += length;
    }
}

static void hang_up(int fd) {
    Connection *one = &connections[fd];
    streaming_count -= one->streaming;
    one->open = one->streaming = false;
    one->used = 0;
    close(fd);
}

/* A peer that does not read what it asked for loses its connection. */
static bool tell(int fd, Text text) {
    if (write(fd, text.bytes, text.length) == (ssize_t)text.length) return true;
    hang_up(fd);
    return false;
}

/* The length of the first whole request in the buffer; 0 if it is not there yet. */
static size_t request_length(Connection *one) {
    one->in[one->used] = 0;
    char *blank = memmem(one->in, one->used, "\r\n\r\n", 4);
    if (!blank) return 0;
    size_t head = blank + 4 - one->in, length = head;
    *blank = 0;
    char *sized = strcasestr(one->in, "\r\ncontent-length:");
    if (strcasestr(one->in, "\r\ntransfer-encoding: chunked")) {
        char *last = memmem(one->in + head, one->used - head, "0\r\n\r\n", 5);
        length = last ? (size_t)(last + 5 - one->in) : one->used + 1;
    } else if (sized) {
        length += strtoul(sized + 17, NULL, 10);
    }
    *blank = '\r';
    return length <= one->used ? length : 0;
}

static bool tell_count(int fd) {
    char body[32];
    size_t length = snprintf(body, sizeof body, "{\"count\":%ld}", chat_count);
    Text text = response("200 OK", (Text){body, length});
    bool sent = tell(fd, text);
    free(text.bytes);
    return sent;
}

static bool asks_to_stream(const char *request, size_t length) {
    return memmem(request, length, "\"stream\":true", 13) ||
           memmem(request, length, "\"stream\": true", 14);
}

/* Whether a request was there and its answer has been sent or begun. */
static bool answer(int fd) {
    Connection *one = &connections[fd];
    size_t length = one->streaming ? 0 : request_length(one);
    if (!length) return false;
    bool sent;
    if (!strncmp(one->in, "GET /v1/models ", 15)) {
        sent = tell(fd, models);
    } else if (!strncmp(one->in, "GET /count ", 11)) {
        sent = tell_count(fd);
    } else if (strncmp(one->in, "POST /v1/chat/completions ", 26)) {
        sent = tell(fd, missing);
    } else if (chat_count++, !asks_to_stream(one->in, length)) {
        sent = tell(fd, chat);
    } else if ((sent = tell(fd, stream_head))) {
        one->streaming = true;
        one->next_event = 0;
        one->due_ms = now_ms() + pause_ms;
        streaming_count++;
    }
    if (!sent) return false;
    one->used -= length;
    memmove(one->in, one->in + length, one->used);
    return true;
}

static void receive(int fd) {
    Connection *one = &connections[fd];
    ssize_t count = read(fd, one->in + one->used, ROOM - one->used);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        hang_up(fd);
        return;
    }
    one->used += count;
    while (answer(fd)) continue;
}

/* Sends the events that are due; returns how long to wait for the next one, -1 for ever. */
static int send_events(void) {
    double now = now_ms(), next = -1;
    for (int fd = 0; streaming_count && fd <= highest; fd++) {
        Connection *one = &connections[fd];
        if (!one->streaming) continue;
        if (one->due_ms <= now) {
            if (!tell(fd, events[one->next_event++])) continue;
            one->due_ms += pause_ms;
            if (one->next_event == event_count) {
                one->streaming = false;
                streaming_count--;
                while (answer(fd)) continue;
                if (!one->streaming) continue;
            }
        }
        double wait = one->due_ms > now ? one->due_ms - now : 0;
        if (next < 0 || wait < next) next = wait;
    }
    return next < 0 ? -1 : (int)(next + 0.999);
}

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024)) die("listen");
    return fd;
}

static void take(int listener, int poll) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), yes = 1;
    if (fd < 0) return;
    if (fd >= CONNECTIONS) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (!connections[fd].in) connections[fd].in = malloc(ROOM + 1);
    connections[fd].open = true;
    highest = fd > highest ? fd : highest;
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted);
}

int main(int count, char **words) {
    if (count != 6) {
        fprintf(stderr, "stub PORT CHAT STREAM MODELS PAUSE_MS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    chat = response("200 OK", file(words[2]));
    models = response("200 OK", file(words[4]));
    missing = response("404 Not Found", (Text){"{}", 2});
    const char *head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                       "transfer-encoding: chunked\r\n\r\n";
    stream_head = joined(head, strlen(head), "", 0, "");
    cut_events(file(words[3]));
    pause_ms = atof(words[5]);
    int listener = listening(atoi(words[1])), poll = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, ready[READY];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int found = epoll_wait(poll, ready, READY, send_events());
        for (int at = 0; at < found; at++) {
            if (ready[at].data.fd == listener)
                take(listener, poll);
            else if (connections[ready[at].data.fd].open)
                receive(ready[at].data.fd);
        }
    }
}
