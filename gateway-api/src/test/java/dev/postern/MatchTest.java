package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

class MatchTest {
    private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");
    private static final Predicate<Request> ANYTHING = request -> true;

    static Stream<Arguments> asData() {
        return Stream.of(
                arguments(Match.any(), new Condition.All(List.of())),
                arguments(Match.path("/a/{id}"), new Condition.Path("/a/{id}")),
                arguments(Match.prefix("/a"), new Condition.Prefix("/a")),
                arguments(Match.pathRegex("/a+"), new Condition.PathRegex("/a+")),
                arguments(
                        Match.host("a.example", "*.b.example"),
                        new Condition.Hosts(Set.of("*.b.example", "a.example"))),
                arguments(Match.any().method("GET", "PUT"), new Condition.Methods(Set.of("PUT", "GET"))),
                arguments(Match.any().header("X", "1"), new Condition.Header("X", TextRule.is("1"))),
                arguments(
                        Match.any().header("X", TextRule.matches("a.*")),
                        new Condition.Header("X", TextRule.matches("a.*"))),
                arguments(Match.any().query("q", "1"), new Condition.Query("q", TextRule.is("1"))),
                arguments(Match.any().query("q", TextRule.present()), new Condition.Query("q", TextRule.Present.ANY)),
                arguments(Match.any().cookie("c", "1"), new Condition.Cookie("c", TextRule.is("1"))),
                arguments(Match.any().cookie("c", TextRule.absent()), new Condition.Cookie("c", TextRule.Absent.NONE)),
                arguments(Match.any().client("10.0.0.0/8"), new Condition.Client(Set.of("10.0.0.0/8"))),
                arguments(
                        Match.any().between(NOON, NOON.plusSeconds(1)),
                        new Condition.Between(NOON, NOON.plusSeconds(1))),
                arguments(
                        Match.any().daily(LocalTime.NOON, LocalTime.MIDNIGHT, ZoneOffset.UTC),
                        new Condition.Daily(LocalTime.NOON, LocalTime.MIDNIGHT, ZoneOffset.UTC)),
                arguments(Match.any().when(ANYTHING), new Condition.When(ANYTHING)),
                arguments(Match.not(Match.prefix("/a")), new Condition.Not(new Condition.Prefix("/a"))),
                arguments(
                        Match.anyOf(Match.prefix("/a"), Match.prefix("/b")),
                        new Condition.AnyOf(List.of(new Condition.Prefix("/a"), new Condition.Prefix("/b")))),
                arguments(
                        Match.prefix("/a").or(Match.prefix("/b")),
                        new Condition.AnyOf(List.of(new Condition.Prefix("/a"), new Condition.Prefix("/b")))));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("asData")
    void a_match_is_its_condition(Match match, Condition condition) {
        assertThat(match.condition()).isEqualTo(condition);
        assertThat(match).hasToString(match.condition().toString());
    }

    @Test
    void conditions_added_stand_side_by_side_in_one_list() {
        Match match = Match.path("/a").method("GET").and(Match.host("a.example").header("X", "1"));

        assertThat(match.condition())
                .isEqualTo(new Condition.All(List.of(
                        new Condition.Path("/a"),
                        new Condition.Methods(Set.of("GET")),
                        new Condition.Hosts(Set.of("a.example")),
                        new Condition.Header("X", TextRule.is("1")))));
    }

    @Test
    void every_request_adds_nothing() {
        Match path = Match.path("/a");

        assertThat(path.and(Match.any())).isEqualTo(path);
        assertThat(Match.any().and(path)).isEqualTo(path);
        assertThat(Match.any().and(Match.any())).isEqualTo(Match.any());
    }

    @Test
    void matches_are_equal_when_their_conditions_are() {
        assertThat(Match.path("/a").method("GET", "PUT"))
                .isEqualTo(Match.path("/a").method("PUT", "GET"))
                .hasSameHashCodeAs(Match.path("/a").method("PUT", "GET"))
                .isNotEqualTo(Match.path("/a").method("GET"))
                .isNotEqualTo(Match.prefix("/a").method("GET", "PUT"))
                .isNotEqualTo("/a");
        assertThat(Match.any().when(ANYTHING)).isEqualTo(Match.any().when(ANYTHING));
        assertThat(Match.any().when(ANYTHING)).isNotEqualTo(Match.any().when(request -> true));
    }

    @Test
    void a_match_is_not_changed_by_what_is_made_from_it() {
        Match path = Match.path("/a");

        path.method("GET");

        assertThat(path).isEqualTo(Match.path("/a"));
    }

    // Set.of threw "duplicate element", and its order is another one in every JVM: plans would differ from run to run.
    @Test
    void texts_keep_the_order_in_which_they_are_written_and_may_repeat() {
        assertThat(Match.host("z.example", "a.example", "m.example", "z.example")
                        .toString())
                .isEqualTo("Hosts[hosts=[z.example, a.example, m.example]]");
        assertThat(Match.any().method("PUT", "GET", "PUT").toString()).isEqualTo("Methods[methods=[PUT, GET]]");
        assertThat(Match.any().client("10.0.0.2", "10.0.0.1").toString())
                .isEqualTo("Client[networks=[10.0.0.2, 10.0.0.1]]");
    }

    @Test
    void conditions_copy_what_they_are_given() {
        Set<String> methods = new LinkedHashSet<>(Set.of("GET"));
        Condition.Methods condition = new Condition.Methods(methods);

        methods.add("PUT");

        assertThat(condition.methods()).containsExactly("GET");
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> condition.methods().add("PUT"));
    }

    static final List<ThrowingCallable> NULLS = List.of(
            () -> Match.path(null),
            () -> Match.prefix(null),
            () -> Match.pathRegex(null),
            () -> Match.host("a", null),
            () -> Match.not(null),
            () -> Match.any().and(null),
            () -> Match.any().method((String) null),
            () -> Match.any().header(null, "1"),
            () -> Match.any().header("X", (String) null),
            () -> Match.any().header("X", (TextRule) null),
            () -> Match.any().query(null, "1"),
            () -> Match.any().query("q", (TextRule) null),
            () -> Match.any().cookie(null, "1"),
            () -> Match.any().cookie("c", (TextRule) null),
            () -> Match.any().client((String) null),
            () -> Match.any().between(null, NOON),
            () -> Match.any().between(NOON, null),
            () -> Match.any().daily(null, LocalTime.NOON, ZoneOffset.UTC),
            () -> Match.any().daily(LocalTime.NOON, null, ZoneOffset.UTC),
            () -> Match.any().daily(LocalTime.NOON, LocalTime.NOON, null),
            () -> Match.any().when(null),
            () -> TextRule.matches(null),
            () -> new Condition.Not(null));

    @ParameterizedTest
    @FieldSource("NULLS")
    void nothing_may_be_null(ThrowingCallable call) {
        assertThatNullPointerException().isThrownBy(call);
    }

    @Test
    void rules_are_shown_short() {
        assertThat(Stream.of(TextRule.is("a"), TextRule.matches("a+"), TextRule.present(), TextRule.absent())
                        .map(Object::toString))
                .containsExactly("= a", "~ a+", "present", "absent");
    }
}
