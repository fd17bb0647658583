package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseTest {
    @Test
    void a_copy_differs_in_one_part_and_leaves_the_original_alone() {
        Response response = Response.text(200, "hello");
        Body body = Body.of("other");

        assertThat(response.withStatus(201).status()).isEqualTo(201);
        assertThat(response.withStatus(201).body()).isSameAs(response.body());
        assertThat(response.withHeader("X", "1").header("x")).isEqualTo("1");
        assertThat(response.withHeaders(Headers.of("Y", "1")).headers()).hasToString("[Y: 1]");
        assertThat(response.withoutHeader("content-type").headers()).isEqualTo(Headers.EMPTY);
        assertThat(response.withoutHeader("X")).isSameAs(response);
        assertThat(response.withBody(body).body()).isSameAs(body);
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.headers()).hasToString("[Content-Type: text/plain; charset=utf-8]");
        assertThat(((BufferedBody) response.body()).text()).isEqualTo("hello");
        assertThat(response).hasToString("Response[200]");
    }

    @Test
    void json_is_sent_as_it_is() {
        Response response = Response.json(200, "{\"a\":1}");

        assertThat(response.header("content-type")).isEqualTo("application/json");
        assertThat(((BufferedBody) response.body()).text()).isEqualTo("{\"a\":1}");
    }

    @ParameterizedTest
    @ValueSource(ints = {101, 200, 204, 299, 304, 404, 499, 599})
    void final_statuses_and_switching_protocols_are_accepted(int status) {
        assertThat(Response.of(status).status()).isEqualTo(status);
    }

    // 102 and 103 come before a final response; 099, 999 and 2000 went over the wire in other proxies.
    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 99, 100, 102, 103, 199, 600, 999, 2000})
    void other_statuses_are_refused(int status) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Response.of(status))
                .withMessage("status: " + status + " (expected: 200 to 599, or 101)");
        assertThatIllegalArgumentException().isThrownBy(() -> Response.of(200).withStatus(status));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 101, 200, 302, 399})
    void a_problem_is_an_error(int status) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Response.problem(status, "code", null))
                .withMessage("status: " + status + " (expected: 400 to 599)");
    }

    @Test
    void nothing_may_be_null() {
        Response response = Response.of(200);

        assertThatNullPointerException().isThrownBy(() -> response.withHeaders(null));
        assertThatNullPointerException().isThrownBy(() -> response.withBody(null));
    }
}
