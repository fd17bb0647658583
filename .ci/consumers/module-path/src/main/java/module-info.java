module org.example {
    requires dev.postern.runtime;

    // What Check needs besides.
    requires java.net.http;
    requires jdk.httpserver;
}
