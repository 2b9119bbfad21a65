{{/* Egress rules: root, list of what is connected to, of apiServer, database, storage, identity; DNS always. */}}
{{- define "emg.egress" -}}
{{- $root := index . 0 -}}
{{- range $target := append (index . 1) "dns" }}
{{- with index $root.Values.networkPolicy $target }}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- if eq $target "dns" }}
    - {port: {{ . }}, protocol: UDP}
    {{- end }}
    {{- end }}
  {{- with .to }}
  to: {{ toJson . }}
  {{- end }}
{{- end }}
{{- end }}
{{- with $root.Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One ingress rule: port's name or number, peers. */}}
{{- define "emg.ingress" -}}
- ports:
    - {port: {{ index . 0 }}, protocol: TCP}
  {{- with index . 1 }}
  from: {{ toJson . }}
  {{- end }}
{{- end -}}
