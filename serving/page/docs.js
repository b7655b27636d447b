"use strict";

document.getElementById("keyless").hidden = Boolean(sessionStorage.getItem("key"));
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#interface",
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers = { ...authorization(), ...request.headers };
    return request;
  },
});
