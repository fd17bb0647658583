package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Micrometer is optional: on a class path without it everything but the metrics works. */
class WithoutMicrometerTest {
    @Test
    void access_log_traces_and_observers_work_on_a_class_path_without_it()
            throws IOException, ReflectiveOperationException {
        try (URLClassLoader bare = classPathWithoutMicrometer()) {
            assertThatThrownBy(() -> bare.loadClass("io.micrometer.core.instrument.MeterRegistry"))
                    .isInstanceOf(ClassNotFoundException.class);
            Object log = call(bare, "dev.postern.runtime.AccessLog", "json");
            assertThat(call(bare, "dev.postern.runtime.TraceContext", "continuing"))
                    .isNotNull();
            Object all = bare.loadClass("dev.postern.runtime.observe.SafeObservers")
                    .getMethod("of", List.class)
                    .invoke(null, List.of(log));
            Class<?> gauges = bare.loadClass("dev.postern.runtime.observe.UpstreamGauges");
            assertThat(gauges.isInstance(log) || gauges.isInstance(all)).isFalse();
        }
    }

    private static Object call(ClassLoader loader, String type, String factory) throws ReflectiveOperationException {
        return Class.forName(type, true, loader).getMethod(factory).invoke(null);
    }

    private static URLClassLoader classPathWithoutMicrometer() throws MalformedURLException {
        List<String> kept = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !new File(entry).getName().startsWith("micrometer-"))
                .toList();
        URL[] urls = new URL[kept.size()];
        for (int i = 0; i < urls.length; i++) {
            urls[i] = new File(kept.get(i)).toURI().toURL();
        }
        return new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
    }
}
