package dev.postern.testing;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Checked;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The scenarios behind {@link FilterContract}, in which one filter is put to the test. */
final class FilterTrial {
    /** Longer than the deadline of an exchange. */
    private static final int SECONDS_TO_COMPLETE = 40;
    /** Real time for filters that complete on threads of their own, before hand-moved time is tried. */
    private static final int SHORT_MILLIS = 20;
    /** Real time after which a stage is taken for one that never completes. */
    private static final int LONG_MILLIS = 2_000;
    /** Exchanges of one kind in a row when something is looked for that adds up. */
    private static final int ROW = 8;
    /** Longer than any month, so that every quota is full again. */
    private static final Duration LONG_AFTERWARDS = Duration.ofDays(32);

    /** Answers that mean: not now. */
    private static final Set<Integer> LIMITED = Set.of(429, 503);

    private static final Headers TRAILERS = Headers.of("X-Contract-Trailer", "kept");
    private static final String BODY = "{\"contract\": [1, 2, 3], \"text\": \"ordinary\"}";

    /** What becomes of a response. */
    private enum Reading {
        WHOLE,
        PIECEWISE,
        CUT,
        DISCARDED
    }

    private final Filter filter;
    private final List<Request> primaries;
    private final UnaryOperator<FakeExchange> setting;
    private final FakeServices services;
    private final Findings findings;
    private final WatchedThread thread;
    private final List<Request> letThrough = new ArrayList<>();

    FilterTrial(
            Filter filter,
            List<Request> requests,
            UnaryOperator<FakeExchange> setting,
            FakeServices services,
            Findings findings,
            WatchedThread thread) {
        this.filter = filter;
        this.primaries = requests.isEmpty() ? ordinaryRequests() : requests;
        this.setting = setting;
        this.services = services;
        this.findings = findings;
        this.thread = thread;
    }

    /** Runs all scenarios; {@code managed} also starts and stops the filter. */
    void carryOut(boolean managed) {
        describesItself();
        if (managed && !starts()) {
            return;
        }
        int hash = filter.hashCode();
        servesEveryRequest();
        passesOnEveryAnswer();
        readsBodiesAsTheyAreAskedFor();
        passesOnFailures();
        keepsExchangesApart();
        survivesClientsThatLeave();
        leavesUpgradesAlone();
        leavesNoTimers();
        givesBackWhatItHolds();
        if (filter.hashCode() != hash) {
            findings.add("changes its hashCode", "before " + hash + ", after " + filter.hashCode());
        }
        asksForListedStateOnly();
        if (managed && filter instanceof Managed owner) {
            step("stop()", owner::stop);
        }
    }

    // ---- itself

    private void describesItself() {
        String name = ask("name()", filter::name);
        if (name == null || name.isBlank()) {
            findings.add(
                    "has no name", "name() is " + (name == null ? "null" : '"' + name + '"') + " (expected: a text)");
        } else if (!name.equals(ask("name()", filter::name))) {
            findings.add("changes its name", "name() was " + name + " and is " + filter.name());
        }
        if (!equalTo(filter) || equalTo(new Object()) || equalTo(null)) {
            findings.add("breaks equals", "expected: equal to itself, not to null and not to a plain object");
        }
        if (!Objects.equals(ask("hashCode()", filter::hashCode), ask("hashCode()", filter::hashCode))) {
            findings.add("changes its hashCode", "two calls in a row differ");
        }
        if (filter instanceof Checked checked) {
            List<String> problems = ask("problems()", checked::problems);
            if (problems == null || !problems.isEmpty()) {
                findings.add("has problems", "problems() is " + problems + " (expected: none)");
            }
        }
    }

    private boolean equalTo(@Nullable Object other) {
        return Boolean.TRUE.equals(ask("equals", () -> filter.equals(other)));
    }

    private boolean starts() {
        if (!(filter instanceof Managed owner)) {
            return true;
        }
        CompletionStage<Void> start = ask("start(services)", () -> owner.start(services));
        Settled<Void> settled = Settled.of(start, LONG_MILLIS);
        if (settled.failure() != null) {
            findings.add(
                    "does not start",
                    "start(services) gives " + settled + " (expected: a stage that completes; see"
                            + " FilterContract.services)");
        }
        return settled.failure() == null;
    }

    private void asksForListedStateOnly() {
        if (filter instanceof Managed owner) {
            var listed = ask("state()", owner::state);
            for (var asked : services.askedState()) {
                if (listed == null || !listed.contains(asked)) {
                    findings.add("asks for state that it does not list", asked + " (listed: " + listed + ")");
                }
            }
        }
    }

    // ---- scenarios

    private void servesEveryRequest() {
        for (Request request : primaries) {
            TrialRun first =
                    run(request + " with its body in memory", request, at -> ready(answer(200)), Reading.WHOLE);
            if (!first.passed().isEmpty()) {
                letThrough.add(request);
            }
            answersLate(request);
        }
        oddRequests().forEach((name, request) -> run(name, request, at -> ready(answer(200)), Reading.WHOLE));
    }

    private void answersLate(Request request) {
        CompletableFuture<Response> later = new CompletableFuture<>();
        TrialRun run = begin(request + " answered late", Exchange.Kind.HTTP, oneShot(request), at -> later);
        step("the answer of the chain", () -> later.complete(answer(200)));
        settle(run);
        finish(run, Reading.WHOLE);
    }

    private void passesOnEveryAnswer() {
        for (Request request : primaries) {
            answers()
                    .forEach((name, answer) -> run(
                            request + " answered " + name, oneShot(request), at -> ready(answer.get()), Reading.WHOLE));
        }
    }

    private void readsBodiesAsTheyAreAskedFor() {
        for (Request request : primaries) {
            for (Reading reading : Reading.values()) {
                String name = request + ", its response " + reading.name().toLowerCase(Locale.ROOT);
                run(name, oneShot(request), at -> ready(answer(200)), reading);
            }
            if (!findings.hopeless()) {
                checkWrapper("request", request, FilterTrial::upload);
                checkWrapper("response", request, FilterTrial::download);
            }
        }
    }

    /** A body that a filter has put around another is checked like any implementation of one. */
    private void checkWrapper(String whose, Request request, Function<TrialRun, @Nullable Body> part) {
        List<TrialRun> unread = new ArrayList<>();
        TrialRun first = unread(request, unread);
        Body original = whose.equals("request") ? first.request().body() : first.lastAnswer();
        Body body = part.apply(first);
        if (original != null && body != null && body != original && !(body instanceof BufferedBody)) {
            BodyContract.violations(() -> orEmpty(part.apply(unread(request, unread))), this::step)
                    .forEach(violation -> findings.add(
                            "breaks the rules of a body", request + ": the " + whose + " body: " + violation));
        }
        unread.forEach(this::abandon);
    }

    private TrialRun unread(Request request, List<TrialRun> all) {
        TrialRun run = begin(request.toString(), Exchange.Kind.HTTP, oneShot(request), at -> ready(answer(200)), false);
        settle(run);
        all.add(run);
        return run;
    }

    private void abandon(TrialRun run) {
        Response response = run.response();
        if (response != null) {
            step("discard()", response.body()::discard);
        }
        end(run, Failure.CLIENT_GONE);
    }

    private static @Nullable Body upload(TrialRun run) {
        return run.passed().isEmpty() ? null : run.passed().get(0).body();
    }

    private static @Nullable Body download(TrialRun run) {
        Response response = run.response();
        return response == null ? null : response.body();
    }

    private static Body orEmpty(@Nullable Body body) {
        return body == null ? Body.empty() : body;
    }

    private void passesOnFailures() {
        for (Request request : primaries) {
            for (Failure failure : List.of(Failure.CONNECT_FAILED, Failure.RESET_BEFORE_HEAD)) {
                GatewayException cause = new GatewayException(failure, "rigged by the contract");
                String name = request + " when the chain fails with " + failure;
                checkFailure(run(name, oneShot(request), at -> failed(cause), Reading.WHOLE), cause);
                checkFailure(run(name, request, at -> failed(cause), Reading.WHOLE), cause);
            }
            run(request + " when attempts fail with a response", request, at -> ready(answer(503)), Reading.WHOLE);
        }
    }

    private void checkFailure(TrialRun run, GatewayException cause) {
        Throwable failure = run.failure();
        if (run.passed().isEmpty() || run.response() != null || failure == null) {
            return;
        }
        for (Throwable at = failure; at != null; at = at.getCause()) {
            if (at == cause) {
                return;
            }
        }
        findings.add(
                "hides the failure of the chain",
                run.name() + ": fails with " + failure + " (expected: the chain's failure, or it as the cause)");
    }

    /** The second exchange begins after the first and is answered before it. */
    private void keepsExchangesApart() {
        for (Request request : primaries) {
            CompletableFuture<Response> firstAnswer = new CompletableFuture<>();
            CompletableFuture<Response> secondAnswer = new CompletableFuture<>();
            TrialRun first = begin(
                    request + ", interleaved", Exchange.Kind.HTTP, marked(request, "contract-a"), at -> firstAnswer);
            TrialRun second = begin(
                    request + ", interleaved", Exchange.Kind.HTTP, marked(request, "contract-b"), at -> secondAnswer);
            step("the answer of the chain", () -> secondAnswer.complete(markedAnswer("contract-b")));
            settle(second);
            step("the answer of the chain", () -> firstAnswer.complete(markedAnswer("contract-a")));
            settle(first);
            checkUnmixed(first, "contract-b");
            checkUnmixed(second, "contract-a");
            finish(first, Reading.DISCARDED);
            finish(second, Reading.DISCARDED);
        }
    }

    private void checkUnmixed(TrialRun run, String foreign) {
        for (Request passed : run.passed()) {
            if ((passed.target() + lines(passed.headers())).contains(foreign)) {
                findings.add("mixes exchanges", run.name() + ": a request carries what belongs to another exchange");
            }
        }
        Response response = run.response();
        if (response == null) {
            return;
        }
        Settled<BufferedBody> body = response.body().length() == 0
                ? Settled.of(response.body().buffer(0), LONG_MILLIS)
                : buffered(response.body());
        BufferedBody content = body.value();
        if (lines(response.headers()).contains(foreign)
                || (content != null && content.text().contains(foreign))) {
            findings.add("mixes exchanges", run.name() + ": a response carries what belongs to another exchange");
        }
    }

    private Settled<BufferedBody> buffered(Body body) {
        return Settled.of(ask("buffer", () -> body.buffer(1 << 20)), LONG_MILLIS);
    }

    private void survivesClientsThatLeave() {
        for (Request request : primaries) {
            leaves(request, later -> later.completeExceptionally(gone()));
            leaves(request, later -> later.complete(answer(200)));
        }
    }

    private void leaves(Request request, Consumer<CompletableFuture<Response>> afterwards) {
        CompletableFuture<Response> later = new CompletableFuture<>();
        TrialRun run = begin(request + ", whose client leaves", Exchange.Kind.HTTP, oneShot(request), at -> later);
        end(run, Failure.CLIENT_GONE);
        step("the answer of the chain after the end", () -> afterwards.accept(later));
        settle(run);
        Response response = run.response();
        if (response != null) {
            step("discard()", response.body()::discard);
        }
        run.checkBodies();
    }

    private void leavesUpgradesAlone() {
        for (Request request : primaries) {
            Request upgrade = request.withMethod("GET").withBody(Body.empty());
            TrialRun run = begin(
                    upgrade + ", an upgrade",
                    Exchange.Kind.WEBSOCKET,
                    upgrade,
                    at -> ready(Response.of(101).withBody(FakeBody.tunnel())));
            settle(run);
            Response response = run.response();
            if (response != null && response.status() == 101 && response.body() != run.lastAnswer()) {
                findings.add("replaces the tunnel of an upgrade", run.name() + ": its body is " + response.body());
            }
            finish(run, Reading.DISCARDED);
        }
    }

    private void leavesNoTimers() {
        Request request = primaries.get(0);
        int before = services.manualTime().pending();
        for (int i = 0; i < ROW; i++) {
            run(request + ", again and again", request, at -> ready(answer(200)), Reading.WHOLE);
        }
        int after = services.manualTime().pending();
        if (after - before >= ROW) {
            findings.add(
                    "leaves timers behind",
                    request + ": " + (after - before) + " after " + ROW
                            + " exchanges have ended (expected: cancelled in" + " onEnd)");
        }
    }

    /** Limits may refuse in between; long after the last of these exchanges has ended they must not. */
    private void givesBackWhatItHolds() {
        for (Request request : letThrough) {
            for (int i = 0; i < ROW; i++) {
                run(request.toString(), request, at -> ready(answer(200)), Reading.CUT);
                run(request.toString(), request, at -> failed(gone()), Reading.WHOLE);
                leaves(request, later -> later.completeExceptionally(gone()));
            }
            passMuchTime();
            TrialRun after = run(request.toString(), request, at -> ready(answer(200)), Reading.WHOLE);
            Response response = after.response();
            if (after.passed().isEmpty()
                    && (after.failure() != null || (response != null && LIMITED.contains(response.status())))) {
                findings.add(
                        "does not give back what an exchange holds",
                        request + " was let through at first; " + LONG_AFTERWARDS.toDays() + " days after " + 3 * ROW
                                + " exchanges that broke off it gets "
                                + (response == null ? after.failure() : response)
                                + " (expected: permits released in onEnd, however it ends)");
            }
        }
    }

    private void passMuchTime() {
        step("the passing of days", () -> services.manualTime().advance(LONG_AFTERWARDS));
    }

    // ---- one exchange

    private TrialRun run(String name, Request request, IntFunction<CompletionStage<Response>> behind, Reading reading) {
        TrialRun run = begin(name, Exchange.Kind.HTTP, request, behind);
        settle(run);
        finish(run, reading);
        return run;
    }

    private TrialRun begin(
            String name, Exchange.Kind kind, Request request, IntFunction<CompletionStage<Response>> behind) {
        return begin(name, kind, request, behind, true);
    }

    private TrialRun begin(
            String name,
            Exchange.Kind kind,
            Request request,
            IntFunction<CompletionStage<Response>> behind,
            boolean reading) {
        step("the passing of a second", () -> services.manualTime().advance(Duration.ofSeconds(1)));
        FakeExchange exchange = setting.apply(new FakeExchange(services.manualTime()).kind(kind));
        TrialRun run = new TrialRun(name, request, exchange, findings, behind, reading);
        try {
            CompletionStage<Response> stage = thread.call("apply(" + name + ")", () -> filter.apply(request, run));
            if (stage == null) {
                findings.add("returns no stage", "apply(" + name + ") returned null");
            }
            run.stage(stage);
        } catch (WatchedThread.Stuck stuck) {
            throw stuck;
        } catch (Throwable thrown) {
            findings.add("throws", "apply(" + name + ") threw " + thrown + " (expected: a stage)");
        }
        return run;
    }

    private void settle(TrialRun run) {
        CompletionStage<Response> stage = run.stage();
        if (stage == null) {
            return;
        }
        boolean hopeless = findings.hopeless();
        Settled<Response> settled = Settled.of(stage, hopeless ? 1 : SHORT_MILLIS);
        for (int second = 0; settled.timedOut() && !hopeless && second < SECONDS_TO_COMPLETE; second++) {
            step("the passing of a second", () -> services.manualTime().advance(Duration.ofSeconds(1)));
            settled = Settled.of(stage, 1);
        }
        settled = settled.timedOut() && !hopeless ? Settled.of(stage, LONG_MILLIS) : settled;
        run.settled(settled);
        if (settled.timedOut()) {
            findings.add(
                    Findings.NEVER_COMPLETES, run.name() + ": no response after " + SECONDS_TO_COMPLETE + " seconds");
        } else if (settled.failure() != null && !(settled.failure() instanceof GatewayException)) {
            findings.add(
                    "fails with something else than a GatewayException",
                    run.name() + ": " + settled.failure() + " (expected: a response, or a GatewayException)");
        } else if (settled.failure() == null && settled.value() == null) {
            findings.add("completes without a response", run.name() + ": the stage holds null");
        }
    }

    private void finish(TrialRun run, Reading reading) {
        Response response = run.response();
        if (response != null) {
            consume(run, response, reading);
        }
        end(run, reading == Reading.CUT ? Failure.CLIENT_GONE : null);
        run.checkBodies();
    }

    private void consume(TrialRun run, Response response, Reading reading) {
        Body body = response.body();
        if ((response.status() == 204 || response.status() == 304) && body.length() != 0) {
            findings.add(
                    "gives a body to an answer without one",
                    run.name() + ": a " + response.status() + " has a body of length " + body.length());
        }
        if (reading == Reading.DISCARDED || response.status() == 101) {
            step("discard()", body::discard);
            return;
        }
        Probe probe = new Probe(findings.hopeless() ? 1 : LONG_MILLIS);
        step("chunks().subscribe", () -> body.chunks().subscribe(probe));
        if (reading != Reading.WHOLE) {
            probe.awaitOne(this::step);
            checkDemand(run, body);
        }
        if (reading == Reading.CUT) {
            probe.cancel(this::step);
            return;
        }
        probe.awaitEnd(this::step, Long.MAX_VALUE);
        run.checkAnswer(body, probe);
    }

    private void checkDemand(TrialRun run, Body body) {
        boolean wraps = body != run.lastAnswer() && !(body instanceof BufferedBody);
        if (wraps && run.lastAnswer() instanceof FakeBody original && original.mostAsked() == Long.MAX_VALUE) {
            findings.add(
                    "asks for a whole body at once",
                    run.name() + ": one buffer was asked of the response body and everything of the body behind it"
                            + " (expected: demand is passed on, or the body is read with a limit)");
        }
    }

    private void end(TrialRun run, @Nullable Failure failure) {
        Response response = run.response();
        int status = response == null ? 500 : response.status();
        step("onEnd of " + run.name(), () -> {
            if (failure == null) {
                run.fakeExchange().end(status);
            } else {
                run.fakeExchange().end(failure);
            }
        });
    }

    // ---- on the watched thread

    private void step(String what, Runnable step) {
        ask(what, () -> {
            step.run();
            return Boolean.TRUE;
        });
    }

    private <T> @Nullable T ask(String what, Callable<T> question) {
        try {
            return thread.call(what, question);
        } catch (WatchedThread.Stuck stuck) {
            throw stuck;
        } catch (Throwable thrown) {
            findings.add("throws", what + " threw " + thrown);
            return null;
        }
    }

    // ---- what it is given

    private static List<Request> ordinaryRequests() {
        Request get = Request.get("/contract?page=1&size=20")
                .withAuthority("api.example.com")
                .withHeader("Accept", "application/json")
                .withHeader("Accept-Encoding", "gzip")
                .withHeader("User-Agent", "contract/1");
        Request post = get.withMethod("POST")
                .withHeader("Content-Type", "application/json")
                .withBody(Body.of(BODY));
        return List.of(get, post);
    }

    private Map<String, Request> oddRequests() {
        Request get = Request.get("/contract");
        Map<String, Request> odd = new LinkedHashMap<>();
        odd.put("GET without a header", get);
        odd.put("HEAD", get.withMethod("HEAD"));
        odd.put("OPTIONS", get.withMethod("OPTIONS").withHeader("Origin", "https://example.org"));
        odd.put("OPTIONS with a bad Origin", get.withMethod("OPTIONS").withHeader("Origin", "%%,:"));
        odd.put("an unknown method", get.withMethod("BREW"));
        odd.put("a malformed query", get.withQuery("&&=&%zz=%&a;b=+&a"));
        odd.put("a long path", get.withPath("/" + "a/".repeat(1000)));
        odd.put("malformed credentials", get.withHeader("Authorization", "Bearer"));
        odd.put("basic credentials that are no base64", get.withHeader("Authorization", "Basic %%%"));
        odd.put("malformed cookies", get.withHeader("Cookie", "=;;a=\"; b; =c"));
        odd.put("a header twice", get.withHeaders(Headers.of("Accept", "a").adding("accept", "b")));
        odd.put("empty headers", get.withHeaders(Headers.of("Accept", "").adding("Content-Type", "")));
        odd.put(
                "malformed negotiation",
                get.withHeader("Accept-Encoding", "gzip;q=x, ;, *;q=9")
                        .withHeader("Range", "bytes=-")
                        .withHeader("If-None-Match", "\"")
                        .withHeader("Content-Type", "/;="));
        odd.put("bytes beyond ASCII", get.withHeader("X-Name", "\u00e9\u00ff"));
        odd.put("POST without a body", get.withMethod("POST"));
        odd.put(
                "POST of unknown length",
                get.withMethod("POST").withBody(FakeBody.of("a", "b").withoutLength()));
        odd.put(
                "POST that turns out empty",
                get.withMethod("POST").withBody(FakeBody.of().withoutLength()));
        return odd;
    }

    private static Map<String, Supplier<Response>> answers() {
        Map<String, Supplier<Response>> answers = new LinkedHashMap<>();
        for (int status : new int[] {200, 404, 500, 503}) {
            answers.put(String.valueOf(status), () -> answer(status));
        }
        answers.put("204", () -> Response.of(204));
        answers.put("304", () -> Response.of(304).withHeader("ETag", "\"1\""));
        answers.put("302", () -> Response.of(302).withHeader("Location", "/elsewhere"));
        answers.put(
                "200 of unknown length", () -> answer(200).withBody(content().withoutLength()));
        answers.put("200 without a content type", () -> Response.of(200).withBody(content()));
        answers.put(
                "200 with malformed headers",
                () -> answer(200)
                        .withHeader("Content-Encoding", "gzip;;")
                        .withHeader("Cache-Control", "max-age=x,,=")
                        .withHeader("Set-Cookie", "=;;")
                        .withHeader("Vary", ",*"));
        answers.put("an empty 200", () -> Response.of(200));
        answers.put(
                "an event stream",
                () -> Response.of(200)
                        .withHeader("Content-Type", "text/event-stream")
                        .withBody(FakeBody.of("data: 1\n\n", "data: 2\n\n").withoutLength()));
        return answers;
    }

    private static Response answer(int status) {
        return Response.of(status)
                .withHeader("Content-Type", "application/json")
                .withBody(content());
    }

    private static FakeBody content() {
        return FakeBody.of(BODY.getBytes(StandardCharsets.UTF_8), 3).trailers(TRAILERS);
    }

    private static Request oneShot(Request request) {
        if (!(request.body() instanceof BufferedBody body) || body.length() == 0) {
            return request;
        }
        return request.withBody(
                FakeBody.of(body.toByteArray(), 3).trailers(TRAILERS).ofRequest());
    }

    private static Request marked(Request request, String mark) {
        String query = request.query() == null ? "" : request.query() + '&';
        return request.withQuery(query + "exchange=" + mark).withHeader("X-Contract-Exchange", mark);
    }

    private static Response markedAnswer(String mark) {
        return Response.of(200)
                .withHeader("Content-Type", "text/plain")
                .withHeader("X-Contract-Exchange", mark)
                .withBody(FakeBody.of(mark, " ", mark));
    }

    private static String lines(Headers headers) {
        StringBuilder all = new StringBuilder();
        headers.forEach(line -> all.append(line).append('\n'));
        return all.toString();
    }

    private static CompletionStage<Response> ready(Response response) {
        return CompletableFuture.completedFuture(response);
    }

    private static CompletionStage<Response> failed(GatewayException failure) {
        return CompletableFuture.failedFuture(failure);
    }

    private static GatewayException gone() {
        return new GatewayException(Failure.CLIENT_GONE, "the client left");
    }
}
